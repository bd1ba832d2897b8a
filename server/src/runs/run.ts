import type { EngineEvent, OverflowSummary, Problem, QuantizationReport } from '@quantsmith/schemas';
import { startEngine } from '@quantsmith/engine';
import type { CheckedConfig } from '../check/check.js';

type ProgressEvent = Extract<EngineEvent, { type: 'progress' }>;

export type EngineResult<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** What a run takes besides its config. */
export interface RunOptions {
  readonly allowModules: boolean;
  /** Continue what an interrupted run has found out (default false). */
  readonly resume?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (event: ProgressEvent) => void;
  readonly onProblem: (problem: Problem) => void;
}

/** Quantizes what a checked config names, and writes model and report. */
export function runConfig(
  checked: CheckedConfig,
  options: RunOptions,
): Promise<EngineResult<{ report: QuantizationReport; reportPath: string }>> {
  return onEngine(checked, 'run', options, (event) =>
    event.type === 'report' ? { report: event.report, reportPath: event.reportPath } : undefined,
  );
}

/** Compares the settings of overflow_fix; the engine puts what it finds into the report of the same config. */
export function compareOverflow(
  checked: CheckedConfig,
  options: RunOptions,
): Promise<EngineResult<OverflowSummary>> {
  return onEngine(checked, 'overflow', options, (event) =>
    event.type === 'overflow' ? event.overflow : undefined,
  );
}

/** Sends a valid config to an engine process; `pick` takes the result from its events. */
async function onEngine<T>(
  checked: CheckedConfig,
  kind: 'run' | 'overflow',
  options: RunOptions,
  pick: (event: EngineEvent) => T | undefined,
): Promise<EngineResult<T>> {
  const invalid = checked.findings.find((finding) => finding.severity === 'error');
  if (checked.config === null || invalid !== undefined) {
    const message =
      invalid === undefined
        ? `${checked.path} is no valid config.`
        : `${checked.path}, line ${invalid.range.start.line + 1}: ${invalid.message}`;
    return { kind: 'failed', problem: { code: 'config-invalid', severity: 'error', message } };
  }
  const found: T[] = [];
  const request = {
    kind,
    config: checked.config,
    configPath: checked.path,
    configSha256: checked.sha256,
    allowModules: options.allowModules,
    ...(options.resume === true ? { resume: true } : {}),
  };
  const outcome = await startEngine(request, {
    signal: options.signal,
    onEvent(event) {
      if (event.type === 'progress') options.onProgress(event);
      else if (event.type === 'problem') options.onProblem(event.problem);
      const picked = pick(event);
      if (picked !== undefined) found.push(picked);
    },
  });
  if (outcome.code === 'cancelled') return { kind: 'cancelled' };
  if (outcome.code === 'failed') return { kind: 'failed', problem: outcome.problem };
  const [value] = found;
  if (value !== undefined) return { kind: 'done', value };
  const message = 'The engine ended without a result.';
  return { kind: 'failed', problem: { code: 'engine-crashed', severity: 'error', message } };
}

/** Share of the whole run that is done, from 0 to 1: stages by their usual weight. */
export function fractionDone(event: ProgressEvent): number {
  const weights = {
    load: 2,
    prepare: 3,
    calibrate: 25,
    quantize: 2,
    correct: 3,
    validate: 30,
    rank: 15,
    restore: 15,
    measure: 4,
    write: 1,
  };
  const order = Object.keys(weights) as (keyof typeof weights)[];
  const before = order.slice(0, order.indexOf(event.stage)).reduce((sum, stage) => sum + weights[stage], 0);
  const within = event.total === null || event.total === 0 ? 0 : Math.min(1, event.done / event.total);
  return (before + within * weights[event.stage]) / 100;
}
