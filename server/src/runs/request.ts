import type { QuantizationConfig, RunRequest } from '@quantsmith/schemas';
import { withoutFindings, type CheckedConfig } from '../check/check.js';

/** What a run takes besides its config; the same for the editor, the command line and the package. */
export interface RequestOptions {
  /** Where the model goes, instead of what the config says; relative to the working folder. */
  readonly output?: string;
  /** Whether JavaScript modules that the config names may run (default false). */
  readonly allowModules?: boolean;
  /** Use the calibration cache (default true). */
  readonly cache?: boolean;
  /** Resume from the journal of an interrupted run (default false). */
  readonly resume?: boolean;
  /** Replace an output that this tool has not written (default false). */
  readonly force?: boolean;
  /** The config's text as the history keeps it; default: that of the file. */
  readonly configText?: string;
  /** On so many samples only, spread over the sets: a trial, which the history does not keep. Default: all. */
  readonly samples?: number;
  /** Configs of runs that follow in the same process. */
  readonly following?: readonly QuantizationConfig[];
}

/** A config as it is to be run. */
export interface RequestedRun {
  /** The checked config without findings that the options settle. */
  readonly checked: CheckedConfig;
  /** null: what is found is an error, or there is no config. */
  readonly request: RunRequest | null;
}

/** Findings about the output that the config names: the engine looks at the one that the options name. */
export const ABOUT_OUTPUT = ['output-unusable', 'output-shared'];

/** What to ask of the engine for a checked config, as far as it is valid with these options. */
export function requestRun(config: CheckedConfig, options: RequestOptions): RequestedRun {
  const { output, configText, samples, following } = options;
  const { allowModules = false, cache = true, resume = false, force = false } = options;
  const checked = output === undefined && !force ? config : withoutFindings(config, ABOUT_OUTPUT);
  if (checked.config === null || checked.findings.some(({ severity }) => severity === 'error'))
    return { checked, request: null };

  return {
    checked,
    request: {
      kind: 'run',
      config: checked.config,
      configPath: checked.path,
      configSha256: checked.sha256,
      ...{ allowModules, cache, resume, force },
      ...(output === undefined ? {} : { output }),
      ...(configText === undefined ? {} : { configText }),
      ...(samples === undefined ? {} : { samples }),
      ...(following === undefined ? {} : { following }),
    },
  };
}
