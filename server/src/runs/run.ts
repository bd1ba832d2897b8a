import type { Problem } from '@quantsmith/engine/problem';
import type { EngineEvent } from '@quantsmith/engine/protocol';
import { startEngine } from '@quantsmith/engine/spawn';
import type { QuantizationReport } from '@quantsmith/schemas';
import type { CheckedConfig } from '../check.js';

type ProgressEvent = Extract<EngineEvent, { type: 'progress' }>;

export type RunResult =
  | { readonly kind: 'done'; readonly report: QuantizationReport; readonly reportPath: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** Runs the engine on a checked config. */
export async function runConfig(
  checked: CheckedConfig,
  options: {
    allowModules: boolean;
    signal: AbortSignal;
    onProgress: (event: ProgressEvent) => void;
    onProblem: (problem: Problem) => void;
  },
): Promise<RunResult> {
  const invalid = checked.findings.find((finding) => finding.severity === 'error');
  if (checked.config === null || invalid !== undefined) {
    const message =
      invalid === undefined
        ? `${checked.path} is no valid config.`
        : `${checked.path}, line ${invalid.range.start.line + 1}: ${invalid.message}`;
    return { kind: 'failed', problem: { code: 'config-invalid', severity: 'error', message } };
  }
  let finished: { report: QuantizationReport; reportPath: string } | null = null;
  const outcome = await startEngine(
    {
      kind: 'run',
      config: checked.config,
      configPath: checked.path,
      configSha256: checked.sha256,
      allowModules: options.allowModules,
    },
    {
      signal: options.signal,
      onEvent(event) {
        if (event.type === 'progress') options.onProgress(event);
        else if (event.type === 'problem') options.onProblem(event.problem);
        else if (event.type === 'report') finished = { report: event.report, reportPath: event.reportPath };
      },
    },
  );
  if (outcome.code === 'cancelled') return { kind: 'cancelled' };
  if (outcome.code === 'failed') return { kind: 'failed', problem: outcome.problem };
  if (finished === null)
    return {
      kind: 'failed',
      problem: { code: 'engine-crashed', severity: 'error', message: 'The engine ended without a report.' },
    };
  return { kind: 'done', ...(finished as { report: QuantizationReport; reportPath: string }) };
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
