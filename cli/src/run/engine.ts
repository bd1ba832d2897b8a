import {
  type DebugRequest,
  type EngineEvent,
  fail,
  type OverflowRequest,
  type Problem,
  type RunPaths,
  type RunRequest,
  runPaths,
  type SensitivityRequest,
  type Settings,
  type SharedWork,
} from '@quantsmith/schemas';
import { startEngine } from '@quantsmith/engine';
import {
  checkConfigFile,
  checkConfigWith,
  positionIn,
  requestRun,
  type CheckedConfig,
  type RequestOptions,
} from '@quantsmith/server';
import { withStatedSettings } from '@quantsmith/service';
import { existsSync } from 'node:fs';
import { EXIT, exitCodeFor, exitCodeOf } from '../output/exitCodes.js';
import { openSharing, type ScaleOptions } from './scaleOut.js';
import { cancellable } from './signals.js';
import { failed, type PlacedProblem, placedText, type Session } from '../output/session.js';

type RunKind = (RunRequest | SensitivityRequest | OverflowRequest | DebugRequest)['kind'];

/** What is asked of the engine; of `debug` also where tensors go. */
type Asked = { readonly kind: Exclude<RunKind, 'debug'> } | Pick<DebugRequest, 'kind' | 'save'>;

/** What a run takes besides its config. */
export interface EngineOptions extends RequestOptions, ScaleOptions {
  /** Settings over those of the config, by their paths. */
  readonly set?: Settings;
  /** How it shares its work, where that is not with workers. */
  readonly work?: SharedWork;
}

async function checkedConfig(path: string, { set }: EngineOptions): Promise<CheckedConfig> {
  const written = await checkConfigFile(path);
  return set === undefined ? written : checkConfigWith(written, set);
}

/**
 * Checks a config and runs the engine on it, with progress and problems on standard error; Ctrl+C cancels. Resolves to null
 * when it went well, else to the exit code, with everything said that there is to say.
 */
export async function runOnConfig(
  path: string,
  subject: RunKind | Asked,
  options: EngineOptions,
  session: Session,
  onEvent: (event: EngineEvent) => void,
): Promise<number | null> {
  const asked: Asked = typeof subject === 'string' ? { kind: subject } : subject;
  refuseModel(path);
  const config = await checkedConfig(path, options);
  const text = options.set === undefined ? null : withStatedSettings(config.path, config.text, options.set);
  // The history keeps what was run.
  const { checked, request } = requestRun(config, {
    ...options,
    ...(text === null ? {} : { configText: text }),
  });
  const findings = worthShowing(checked);
  if (request === null) return failed(session, findings, exitCodeFor(findings));
  const { progress, note } = session.messages;
  // What the check has found, the engine may find again.
  const notes = new Set<string>();
  const noteOnce = (text: string) => {
    if (!notes.has(text)) note(text);
    notes.add(text);
  };

  for (const finding of findings) noteOnce(placedText(finding));

  const hear = (event: EngineEvent) => {
    if (event.type === 'progress') progress.update(event);
    else if (event.type === 'problem') noteOnce(placedText(placed(checked, event.problem)));
    else if (event.type === 'console') for (const line of event.lines) note(`${event.module}: ${line}`);
    else onEvent(event);
  };

  const sharing = options.work === undefined ? await openSharing(options, note) : null;
  const work = options.work ?? sharing?.work;
  const shared = work === undefined ? {} : { work };
  const outcome = await cancellable((signal) =>
    startEngine(
      { ...request, ...asked, ...shared },
      {
        signal,
        onEvent: (event) => (sharing?.hear(event) === true ? undefined : hear(event)),
        ...(sharing === null ? {} : { onStart: sharing.onStart }),
      },
    ),
  ).finally(() => sharing?.close());

  progress.end();
  if (outcome.code === 'ok') return null;
  if (outcome.code === 'failed')
    return failed(session, [placed(checked, outcome.problem)], exitCodeOf(outcome.problem));
  const message = cancelledText(runPaths(request), asked.kind, outcome.written);

  return failed(session, [{ code: 'cancelled', severity: 'error', message }], EXIT.cancelled);
}

/** A model where a config is wanted is the most common slip of all. */
export function refuseModel(path: string): void {
  if (!/\.onnx$/i.test(path)) return;
  fail(
    'usage-invalid',
    `${path} is a model, and this takes a config: \`quantsmith init ${path}\` writes one.`,
  );
}

/** What is true after a cancel: it may have come when everything was written. */
function cancelledText({ output, journal }: RunPaths, kind: RunKind, written: boolean): string {
  if (kind !== 'run') return 'Cancelled.';
  if (written) return `Cancelled after ${output} and its report were written; both are complete.`;
  const resumes = existsSync(journal) ? ' `quantsmith run --resume` continues where it stopped.' : '';
  return `Cancelled; no model was written.${resumes}`;
}

/** All findings; of a text that does not parse only the first, since the others follow from it. */
function worthShowing({ path, findings }: CheckedConfig): PlacedProblem[] {
  const syntax = findings.find((finding) => finding.code === 'syntax');
  const shown = syntax === undefined ? findings.filter((finding) => finding.severity !== 'hint') : [syntax];
  return shown.map((finding) => ({
    code: finding.code,
    severity: finding.severity,
    message: finding.message,
    file: path,
    configPath: finding.path,
    start: finding.range.start,
  }));
}

/** A problem of the engine at the place in the config that it is about. */
function placed(checked: CheckedConfig, { code, severity, message, configPath }: Problem): PlacedProblem {
  const start = positionIn(checked, configPath ?? []);
  return {
    code,
    severity,
    message,
    file: checked.path,
    ...(configPath === undefined ? {} : { configPath }),
    ...(start === null ? {} : { start }),
  };
}
