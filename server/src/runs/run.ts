import type {
  DebugReport,
  EngineEvent,
  OverflowSummary,
  Problem,
  QuantizationReport,
} from '@quantsmith/schemas';
import { startEngine, type EngineSeries } from '@quantsmith/engine';
import type { CheckedConfig } from '../check/check.js';
import { requestRun, type RequestOptions } from './request.js';

type ProgressEvent = Extract<EngineEvent, { type: 'progress' }>;

export type EngineResult<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** What a run takes besides its config. */
export interface RunOptions extends Pick<RequestOptions, 'output' | 'configText' | 'samples' | 'following'> {
  readonly allowModules: boolean;
  /** Continue what an interrupted run has found out (default false). */
  readonly resume?: boolean;
  /** The process that serves several runs; left out: each has its own. */
  readonly series?: EngineSeries;
  readonly signal: AbortSignal;
  /** Aborting ends restoration with the best model found so far. */
  readonly finish?: AbortSignal;
  /** `part`: which of several runs it is of. */
  readonly onProgress: (event: ProgressEvent, part?: RunPart) => void;
  readonly onProblem: (problem: Problem) => void;
  /** What a module (a file's name) has printed; not escaped. */
  readonly onConsole: (module: string, lines: readonly string[]) => void;
}

/** One of several runs: its place from 0, and how messages begin that are about it. */
interface RunPart {
  readonly index: number;
  readonly total: number;
  readonly name: string;
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

/** Compares every layer with the float model; writes nothing. */
export function debugLayers(checked: CheckedConfig, options: RunOptions): Promise<EngineResult<DebugReport>> {
  return onEngine(checked, 'debug', options, (event) => (event.type === 'debug' ? event.report : undefined));
}

/** Sends a valid config to an engine process; `pick` takes the result from its events. */
async function onEngine<T>(
  checked: CheckedConfig,
  kind: 'run' | 'overflow' | 'debug',
  options: RunOptions,
  pick: (event: EngineEvent) => T | undefined,
): Promise<EngineResult<T>> {
  const { request } = requestRun(checked, options);
  if (request === null) {
    const invalid = checked.findings.find((finding) => finding.severity === 'error');
    const message =
      invalid === undefined
        ? `${checked.path} is not a valid config.`
        : `${checked.path}, line ${invalid.range.start.line + 1}: ${invalid.message}`;

    return { kind: 'failed', problem: { code: 'config-invalid', severity: 'error', message } };
  }

  const results: T[] = [];
  const outcome = await startEngine(
    { ...request, kind },
    {
      signal: options.signal,
      ...(options.finish === undefined ? {} : { finish: options.finish }),
      ...(options.series === undefined ? {} : { series: options.series }),
      onEvent(event) {
        if (event.type === 'progress') options.onProgress(event);
        else if (event.type === 'problem') options.onProblem(event.problem);
        else if (event.type === 'console') options.onConsole(event.module, event.lines);
        const picked = pick(event);
        if (picked !== undefined) results.push(picked);
      },
    },
  );

  if (outcome.code === 'cancelled') return { kind: 'cancelled' };
  if (outcome.code === 'failed') return { kind: 'failed', problem: outcome.problem };
  const [value] = results;
  if (value !== undefined) return { kind: 'done', value };
  const message = 'The engine ended without a result.';

  return { kind: 'failed', problem: { code: 'engine-crashed', severity: 'error', message } };
}
