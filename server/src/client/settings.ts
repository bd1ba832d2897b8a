import type { Severity } from '@quantsmith/service';
import { LOG_LEVELS, type LogLevel } from './log.js';

/** What a client may set, under `quantsmith`. Anything missing or of the wrong kind keeps its default. */
export interface Settings {
  readonly allowModules: boolean;
  readonly severities: Readonly<Record<string, Severity | 'off'>>;
  readonly logLevel: LogLevel;
}

export const DEFAULT_SETTINGS: Settings = { allowModules: false, severities: {}, logLevel: 'info' };

const SEVERITIES = new Set(['error', 'warning', 'info', 'hint', 'off']);

/** Reads settings from whatever a client sends; null and unknown shapes are fine. */
export function readSettings(value: unknown): Settings {
  if (typeof value !== 'object' || value === null) return DEFAULT_SETTINGS;
  const values = value as Record<string, unknown>;
  const severities =
    typeof values['severities'] === 'object' && values['severities'] !== null ? values['severities'] : {};

  const valid = Object.entries(severities).filter(([, severity]) => SEVERITIES.has(String(severity)));

  return {
    allowModules: values['allowModules'] === true,
    severities: Object.fromEntries(valid),
    logLevel: LOG_LEVELS.find((level) => level === values['logLevel']) ?? DEFAULT_SETTINGS.logLevel,
  };
}

/** Commands of its own that a client offers to what the server shows: `{ commands: ["quantsmith.showReport"] }`. */
export function readClientCommands(options: unknown): ReadonlySet<string> {
  const commands =
    typeof options === 'object' && options !== null && 'commands' in options ? options.commands : [];

  return new Set(Array.isArray(commands) ? commands.map(String) : []);
}
