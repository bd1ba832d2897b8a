import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import type { Problem } from './problem.js';

/** The stages that a run goes through, in this order; `rank` and `restore` only when accuracy has to be restored. */
export const STAGES = [
  'load',
  'prepare',
  'calibrate',
  'quantize',
  'correct',
  'validate',
  'rank',
  'restore',
  'measure',
  'write',
] as const;
export type StageName = (typeof STAGES)[number];

/** What a run needs. The config has been read and checked by the caller; the engine never parses YAML. */
export interface RunRequest {
  readonly kind: 'run';
  /** The config as written (defaults not filled in). Relative paths in it are relative to `configPath`'s folder. */
  readonly config: QuantizationConfig;
  readonly configPath: string;
  readonly configSha256: string;
  /** Overrides `config.output`; absolute or relative to the working directory. */
  readonly output?: string;
  /** Whether JavaScript modules named by the config (loader, metric) may be executed. */
  readonly allowModules: boolean;
  /** Go on with what an earlier run, killed or cancelled, found out in restoring accuracy (default false). */
  readonly resume?: boolean;
  /** Use the calibration cache (default true). */
  readonly cache?: boolean;
}

export interface InspectRequest {
  readonly kind: 'inspect';
  readonly modelPath: string;
}

export type EngineRequest = RunRequest | InspectRequest;

/** What the engine process says while it works. */
export type EngineEvent =
  | {
      readonly type: 'progress';
      readonly stage: StageName;
      readonly done: number;
      /** null: not known yet. */
      readonly total: number | null;
      readonly secondsLeft: number | null;
      readonly detail?: string;
    }
  | { readonly type: 'problem'; readonly problem: Problem }
  | { readonly type: 'report'; readonly report: QuantizationReport; readonly reportPath: string }
  | { readonly type: 'inspected'; readonly model: ModelSummary }
  /** A file that must not outlive the run: the parent removes it when the engine is killed. */
  | { readonly type: 'temporary'; readonly path: string; readonly exists: boolean }
  | { readonly type: 'failed'; readonly problem: Problem }
  | { readonly type: 'done' };

/** One tensor at the model's border. `dims`: number, or a name for a free dimension. */
export interface TensorSignature {
  readonly name: string;
  readonly type: string;
  readonly dims: readonly (number | string)[];
}

/** What `quantsmith inspect` and the language server show of a model; holds no weights. */
export interface ModelSummary {
  readonly path: string;
  readonly fileBytes: number;
  readonly irVersion: number;
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: string;
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  readonly nodes: readonly ModelNode[];
  readonly parameterCount: number;
}

/** A node as a person sees it; unnamed nodes get the stable name `<OpType>_<index>`. */
export interface ModelNode {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Dims of the constant inputs by input index, e.g. weights. */
  readonly constants: Readonly<Record<number, readonly number[]>>;
  /** Integer attributes that a reader wants: group, strides, … */
  readonly attributes: Readonly<Record<string, number | string | readonly number[]>>;
}
