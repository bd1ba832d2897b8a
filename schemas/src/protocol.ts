import { DATA_KIND_NAMES } from './dataKinds.js';
import type { Preprocess, QuantizationConfig } from './generated/config.js';
import type { DebugReport } from './generated/debugReport.js';
import type { MetricName } from './metrics.js';
import type { QuantizationReport } from './generated/report.js';
import type { WeightCodes } from './layerChange.js';
import type { SensitivityReport } from './generated/sensitivityReport.js';
import type { Problem } from './problem.js';

/** The stages that a run goes through, in this order; `rank` and `restore` only when accuracy has to be restored. */
export const STAGES = [
  'load',
  'prepare',
  'calibrate',
  'choose',
  'quantize',
  'correct',
  'verify',
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
  /** Resume from the journal of an interrupted run (default false). */
  readonly resume?: boolean;
  /** Use the calibration cache (default true). */
  readonly cache?: boolean;
  /** The config's text as the history keeps it; default: that of the file. */
  readonly configText?: string;
  /** On so many samples only, spread over the sets: a trial, which the history does not keep. Default: all. */
  readonly samples?: number;
  /** Replace an output that this tool has not written (default false); a device, FIFO or socket is never replaced. */
  readonly force?: boolean;
  /** Work is shared with other processes (default: with none). */
  readonly work?: SharedWork;
  /** The engine process stays for another run after this one, and keeps what both have in common (default false). */
  readonly stays?: boolean;
  /** Configs of runs that follow in the same process: what they need of the samples is collected with what this one needs. */
  readonly following?: readonly QuantizationConfig[];
}

/** How a run shares its measurements with other processes, all of which see the same store. */
export interface SharedWork {
  /** The folder of results and models; absolute. */
  readonly store: string;
  /** offer: to workers; share: it computes one of several shares, and no more; merge: it finds what shares have computed. */
  readonly role: 'offer' | 'share' | 'merge';
  /** Of a share: which it is, from 1. */
  readonly share?: number;
  /** Into how many shares the work is split. */
  readonly shares?: number;
  /** Seconds that a share waits for results of others. */
  readonly wait?: number;
}

/** A run's way to those who measure for it. */
export interface Sharing {
  readonly work: SharedWork;
  /** Whether the event was about work that is shared. */
  readonly hear: (event: EngineEvent) => boolean;
  /** Takes what sends messages to the engine. */
  readonly onStart: (send: (message: EngineMessage) => void) => void;
}

/** Computes units of work, one after the other, as they are sent; ends when the channel does. */
export interface WorkRequest {
  readonly kind: 'work';
  /** Absolute. */
  readonly store: string;
  readonly threads: number;
  readonly allowModules: boolean;
}

/** What computes units, and how it is told from others. */
export interface Processor {
  /** Version of the form of units. */
  readonly protocol: number;
  readonly tool: string;
  readonly runtime: string;
  readonly arch: string;
  readonly isa: readonly string[];
  /** Threads of one inference. */
  readonly threads: number;
}

/** A processor with what it computes of a fixed model: of two that are alike it is the same to the bit. */
export interface TestedProcessor {
  readonly processor: Processor;
  readonly canary: Canary;
}

export interface Canary {
  /** SHA-256 of the outputs. */
  readonly sha256: string;
  /** The outputs. */
  readonly values: readonly number[];
}

/** A unit of work on its way to whoever computes it; all of it follows from its key. */
export interface OfferedUnit {
  readonly key: string;
  /** What the engine of the worker is sent. */
  readonly unit: unknown;
  readonly processor: Processor;
  /** Whether only workers that may run modules can compute it. */
  readonly modules: boolean;
}

/** Errors of layers, measured without writing anything; the rest as for a run. */
export interface SensitivityRequest extends Omit<RunRequest, 'kind'> {
  readonly kind: 'sensitivity';
}

/** Every layer beside the float model, without writing a model. */
export interface DebugRequest extends Omit<RunRequest, 'kind'> {
  readonly kind: 'debug';
  /** A folder for the layers' tensors of the first sample; absolute. */
  readonly save?: string;
}

export interface InspectRequest {
  readonly kind: 'inspect';
  readonly modelPath: string;
}

/** Runs a model that a config has made over the config's samples, and says what came out, to the bit. */
export interface EvaluateRequest extends Pick<
  RunRequest,
  'config' | 'configPath' | 'configSha256' | 'allowModules'
> {
  readonly kind: 'evaluate';
  readonly modelPath: string;
}

/** What each overflow_fix gives, measured without writing a model and without restoration. */
export interface OverflowRequest extends Omit<RunRequest, 'kind'> {
  readonly kind: 'overflow';
}

/** What can saturate in a quantized model, whoever made it, by its weights alone. */
export interface OverflowModelRequest {
  readonly kind: 'overflow-model';
  readonly modelPath: string;
}

/** How the weight of one layer lies on its grid of codes; `grid`: as a run quantized it, null: on the plain int8 grid. */
export interface WeightsRequest {
  readonly kind: 'weights';
  readonly modelPath: string;
  readonly layer: string;
  readonly grid: Pick<WeightCodes, 'bits' | 'perChannel' | 'halfRange'> | null;
}

/** A setting that is not the same in all of several configs, with its value in each as JSON; null: it is not written there. */
export interface SettingDifference {
  /** Its path, with dots. */
  readonly setting: string;
  readonly values: readonly (string | null)[];
}

/** What the engine finds on this machine: versions, CPU, cache. */
export interface EnvironmentRequest {
  readonly kind: 'environment';
}

/** What a new config can say of a model, tried on the float model with data that lie near, within bounds. */
export interface DraftRequest {
  readonly kind: 'draft';
  readonly modelPath: string;
  /** Relative paths in `data` start from here. */
  readonly baseDir: string;
  readonly data: DraftData;
  /** No more is tried after so many seconds. */
  readonly seconds: number;
}

/** Data that may belong to a model. */
export interface DraftData {
  readonly calibration?: DraftSource;
  readonly validation?: DraftSource;
  /** A list of the texts of classes, for CTC. */
  readonly alphabet?: string;
  /** A metric's module. */
  readonly metric?: string;
}

/** One source of samples, and what may be their labels, the likelier first. */
export interface DraftSource {
  readonly images?: string;
  readonly arrays?: string;
  readonly tensors?: string;
  readonly audio?: string;
  readonly texts?: string;
  /** Of texts. */
  readonly tokenizer?: string;
  /** A module, which is named and never run while a config is drafted. */
  readonly loader?: string;
  readonly labels?: readonly string[];
  /** Names of the classes, in the order of the model's outputs. */
  readonly classes?: string;
  /** Whether the folders in `images` or `audio` are the classes. */
  readonly classFolders?: boolean;
}

/** The file or folder that a source reads. */
export const pathOfSource = (source: DraftSource | undefined): string | undefined =>
  DATA_KIND_NAMES.map((kind) => source?.[kind]).find((path) => path !== undefined);

/** What was found out for a new config. */
export interface ModelDraft {
  readonly task: NonNullable<QuantizationConfig['task']>;
  /** Why the task is what it is, and what else it may be, as sentences. */
  readonly reasons: readonly string[];
  readonly metric: MetricName;
  /** The labels that fit; null: there are none, or the folders are the labels. */
  readonly labels: string | null;
  readonly classes: string | null;
  /** Whether there are labels of the kind that the metric needs. */
  readonly hasLabels: boolean;
  /** null: samples are no images. */
  readonly preprocess: Preprocess | null;
  readonly inputLayout: 'nhwc' | 'nchw' | null;
  /** What was measured on the float model, the best first; empty: nothing, for want of labels or time. */
  readonly tried: readonly TriedPreprocess[];
  /** What could not be used or found out, as sentences. */
  readonly remarks: readonly string[];
}

/** The float model's metric with one preprocessing. */
export interface TriedPreprocess {
  /** "256 → 224, imagenet, rgb"; of samples that are no images: "". */
  readonly text: string;
  readonly value: number;
  readonly samples: number;
}

export type EngineRequest =
  | RunRequest
  | SensitivityRequest
  | InspectRequest
  | EvaluateRequest
  | EnvironmentRequest
  | OverflowRequest
  | OverflowModelRequest
  | WeightsRequest
  | DebugRequest
  | DraftRequest
  | WorkRequest;

/** Asks a running engine to end restoration with the best model found so far, one that waits for another run to end. */
export interface FinishMessage {
  readonly kind: 'finish';
}

/** What becomes of an offered unit: its result is in the store, or nobody computes it but the engine that offered it. */
export interface OutcomeMessage {
  readonly kind: 'outcome';
  readonly key: string;
  readonly outcome: 'done' | 'here';
}

/** Asks an engine that does units to compute one; it answers with `unit-done` or `unit-failed`. */
export interface UnitMessage {
  readonly kind: 'unit';
  readonly key: string;
  readonly unit: unknown;
}

export type EngineMessage = FinishMessage | OutcomeMessage | UnitMessage;

/** What the engine process says while it works. */
export type EngineEvent =
  | {
      readonly type: 'progress';
      readonly stage: StageName;
      readonly done: number;
      /** null: not known yet. */
      readonly total: number | null;
      readonly secondsLeft: number | null;
      /** What is being done, as a phrase; while restoring, the best drop so far and how many operators it has in float. */
      readonly detail?: string;
    }
  | { readonly type: 'problem'; readonly problem: Problem }
  /** What a module (a file's name) has printed. */
  | { readonly type: 'console'; readonly module: string; readonly lines: readonly string[] }
  | { readonly type: 'report'; readonly report: QuantizationReport; readonly reportPath: string }
  | { readonly type: 'inspected'; readonly model: ModelSummary }
  | { readonly type: 'environment'; readonly environment: EngineEnvironment }
  | { readonly type: 'evaluated'; readonly evaluation: ModelEvaluation }
  | { readonly type: 'overflow'; readonly overflow: OverflowSummary }
  | { readonly type: 'drafted'; readonly draft: ModelDraft }
  | { readonly type: 'weights'; readonly weights: WeightCodes }
  | { readonly type: 'sensitivity'; readonly report: SensitivityReport }
  | { readonly type: 'debug'; readonly report: DebugReport }
  /** Before the first unit: of an engine that offers units, and of one that computes them. */
  | { readonly type: 'processor'; readonly tested: TestedProcessor }
  | { readonly type: 'unit'; readonly offered: OfferedUnit }
  | { readonly type: 'unit-done'; readonly key: string; readonly seconds: number }
  | { readonly type: 'unit-failed'; readonly key: string; readonly problem: Problem }
  | { readonly type: 'failed'; readonly problem: Problem }
  | { readonly type: 'done' };

/** The libraries that the engine runs on, the CPU, and its cache of calibration statistics. */
export interface EngineEnvironment {
  readonly runtime: { readonly name: string; readonly version: string };
  readonly images: { readonly name: string; readonly version: string };
  readonly cpu: { readonly model: string; readonly arch: string; readonly isa: readonly string[] };
  /** Threads of one inference, unless the config sets them. */
  readonly threads: number;
  readonly cache: { readonly dir: string; readonly bytes: number };
}

/** What a model gave on a set of samples. */
export interface ModelEvaluation {
  /** Without validation data and a metric: the SQNR of the outputs. */
  readonly metric: { readonly name: string; readonly value: number };
  /** SHA-256 of all outputs of each sample. */
  readonly outputs: readonly string[];
}

/** Layers and settings as the report has them; of a model alone there are no settings. */
export interface OverflowSummary {
  readonly layers: QuantizationReport['overflow']['layers'];
  readonly settings: NonNullable<QuantizationReport['overflow']['settings']>;
  readonly metric: string | null;
}

/** One tensor at the model's border. `dims`: number, or a name for a free dimension. */
export interface TensorSignature {
  readonly name: string;
  readonly type: string;
  readonly dims: readonly (number | string)[];
  /** The model states no shape: any rank is taken. */
  readonly unranked?: boolean;
  /** An output that is a constant of the model. */
  readonly constant?: boolean;
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
  /** The model's own functions, by domain and name. */
  readonly functions: readonly ModelFunction[];
  readonly parameterCount: number;
  /** Files beside it that hold weights. */
  readonly externalData: readonly ExternalFile[];
  /** Type and shape of its constants and of what flows between its nodes, as far as the file states them; only where asked for. */
  readonly tensors?: readonly TensorSignature[];
}

/** A file of a model's weights. */
export interface ExternalFile {
  /** As the model names it: relative to its folder. */
  readonly location: string;
  /** The tensor whose values lie the furthest behind, and where they end; 0: not stated. */
  readonly tensor: string;
  readonly bytes: number;
}

/** A function of the model, which its nodes call by domain and name. */
export interface ModelFunction {
  readonly domain: string;
  readonly name: string;
  readonly nodes: readonly ModelNode[];
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
  /** The inputs that are floating-point constants. */
  readonly floatConstants: readonly number[];
  /** Integer attributes that a reader wants: group, strides, … */
  readonly attributes: Readonly<Record<string, number | string | readonly number[]>>;
  /** The nodes inside it: of the branches of If, of the bodies of Loop and Scan. */
  readonly bodies: readonly ModelNode[];
}
