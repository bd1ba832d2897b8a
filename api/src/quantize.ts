import { startEngine, type EngineSeries } from '@quantsmith/engine';
import {
  type Problem,
  type QuantizationReport,
  QuantsmithError,
  runPaths,
  type Sharing,
  type StageName,
} from '@quantsmith/schemas';
import { invalidity, requestRun, type CheckedConfig, type RequestOptions } from '@quantsmith/server';
import { checkedConfig, type ConfigOptions, type ConfigSource } from './config.js';

/** How far a run is. */
export interface Progress {
  readonly stage: StageName;
  /** Steps of the stage that are done, of how many; null: not known yet. */
  readonly done: number;
  readonly total: number | null;
  /** An estimate for the stage; null: not known yet. */
  readonly secondsLeft: number | null;
}

export interface QuantizeOptions extends ConfigOptions {
  /** Where the model goes; default: what the config says. Relative to the working folder. */
  readonly output?: string;
  /** Whether JavaScript modules that the config names (loader, metric) may run (default false): they are programs. */
  readonly allowModules?: boolean;
  /** Whether calibration statistics are kept and used again (default true). */
  readonly cache?: boolean;
  /** Resume a run that was interrupted while it restored accuracy (default false). */
  readonly resume?: boolean;
  /** Replace an output that Quantsmith did not write (default false). */
  readonly force?: boolean;
  /** Aborting ends the run at once; what it was writing is removed. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Warnings and notes while it runs; the report has them too. */
  readonly onProblem?: (problem: Problem) => void;
  /** Lines that a module (a file's name) has printed, as they came: escape them where a terminal shows them. */
  readonly onConsole?: (module: string, lines: readonly string[]) => void;
}

export interface Quantized {
  /** Its paths are relative: to the report's folder, and to that of the config. */
  readonly report: QuantizationReport;
  /** Absolute paths of what was written. */
  readonly modelPath: string;
  readonly reportPath: string;
}

/**
 * Quantizes the model that a config names, in a process of its own, and writes model and report. A missed accuracy target
 * is a result, not an error: see `report.metric.satisfied`. Rejects with a `QuantsmithError` where there is no result
 * (`config-invalid` with the findings in its data, or a code of the engine), and with the signal's reason when aborted.
 */
export async function quantize(config: ConfigSource, options: QuantizeOptions = {}): Promise<Quantized> {
  options.signal?.throwIfAborted();
  return quantizeChecked(await checkedConfig(config, options), options, typeof config === 'string');
}

/** The same of a config that was read and checked. `inFile`: whether its findings have places in a file. */
export async function quantizeChecked(
  config: CheckedConfig,
  options: QuantizeOptions &
    Pick<RequestOptions, 'configText' | 'samples' | 'following'> & {
      readonly series?: EngineSeries;
      readonly sharing?: Sharing;
    },
  inFile: boolean,
): Promise<Quantized> {
  const { signal, sharing } = options;
  const { checked, request } = requestRun(config, options);
  if (request === null) throw new QuantsmithError(invalidity(checked, inFile)!);

  const results: Quantized[] = [];
  const outcome = await startEngine(sharing === undefined ? request : { ...request, work: sharing.work }, {
    ...(signal === undefined ? {} : { signal }),
    ...(options.series === undefined ? {} : { series: options.series }),
    ...(sharing === undefined ? {} : { onStart: sharing.onStart }),
    onEvent(event) {
      if (sharing?.hear(event) === true) return;
      if (event.type === 'progress') {
        const { stage, done, total, secondsLeft } = event;
        options.onProgress?.({ stage, done, total, secondsLeft });
      } else if (event.type === 'problem') options.onProblem?.(event.problem);
      else if (event.type === 'console') options.onConsole?.(event.module, event.lines);
      else if (event.type === 'report')
        results.push({
          report: event.report,
          modelPath: runPaths(request).output,
          reportPath: event.reportPath,
        });
    },
  });

  if (outcome.code === 'cancelled') throw signal!.reason;
  if (outcome.code === 'failed') throw new QuantsmithError(outcome.problem);
  const [result] = results;
  if (result !== undefined) return result;
  throw new QuantsmithError({
    code: 'engine-crashed',
    severity: 'error',
    message: 'The engine ended without a report.',
  });
}
