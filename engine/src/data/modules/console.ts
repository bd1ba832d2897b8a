import type { EngineEvent } from '@quantsmith/schemas';
import type { ModuleLimits, ModuleOptions } from './moduleProcess.js';

/** Sends what modules print on as events. */
export function consoleTo(limits: ModuleLimits, emit: (event: EngineEvent) => void): ModuleOptions {
  return { ...limits, onConsole: (module, lines) => emit({ type: 'console', module, lines }) };
}
