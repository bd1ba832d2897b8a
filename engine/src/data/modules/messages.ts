import type { Label } from '../labels/label.js';
import type { ImagePlacement } from '../imagePlacement.js';
import type { LoaderInfo, MetricTensors, SampleInfo, Tensors } from './contract.js';

/** The open file through which a module's process says that it takes too much memory. */
export const TELL = 4;

/** What a module's process is asked for. */
export type ModuleRequest =
  | {
      readonly kind: 'start';
      readonly role: 'loader' | 'metric';
      readonly path: string;
      readonly baseDir: string;
      readonly inputs: LoaderInfo['inputs'];
    }
  /** Of a loader: sample `index`, or the next one; null in the answer: there are no more. */
  | { readonly kind: 'get'; readonly index: number }
  | { readonly kind: 'next' }
  | {
      readonly kind: 'accumulate';
      readonly outputs: MetricTensors;
      readonly label: Label;
      readonly floatOutputs: MetricTensors | null;
      readonly sample: SampleInfo;
    }
  /** States are sent once, in the order of their numbers, and named by number from then on. */
  | {
      readonly kind: 'result' | 'sampleError';
      readonly added: readonly unknown[];
      readonly states: readonly number[];
    };

/** What a module is, once it has started. */
export interface Started {
  /** SHA-256 of its files, those that it imports too. */
  readonly identity: string;
  /** Of a loader whose samples are listed. */
  readonly length: number | null;
  /** null: a loader. */
  readonly metric: {
    readonly name: string | null;
    readonly higherIsBetter: boolean;
    readonly needsFloatOutputs: boolean;
    readonly needsInputs: boolean;
    readonly form: 'evaluate' | 'accumulate';
    readonly hasSampleError: boolean;
  } | null;
}

/** A module that has started: what it is, and what answers the requests to come. */
export interface StartedModule {
  readonly facts: Omit<Started, 'identity'>;
  readonly answer: (request: ModuleRequest) => unknown;
}

/** A sample as a module gave it: known to have tensors, whose types are converted later. */
export interface GivenSample {
  readonly feeds: Tensors;
  readonly label: Label;
  readonly name: string | null;
  readonly image: ImagePlacement | null;
}

export interface Thrown {
  readonly message: string;
  /** Empty: what was thrown is no Error. */
  readonly stack: string;
}

type ModuleAnswer =
  { readonly call: number; readonly value: unknown } | { readonly call: number; readonly thrown: Thrown };

/** Why a module's process can answer nothing more. */
export type ModuleEnd =
  | { readonly reason: 'time' | 'memory' }
  /** Thrown where no call waits for it: in a timer, or in a promise that nobody awaits. */
  | { readonly reason: 'uncaught'; readonly thrown: Thrown }
  | { readonly reason: 'ended'; readonly code: number | null; readonly signal: string | null };

/** From the process to the thread that holds it. */
export type HostMessage = ModuleAnswer | { readonly uncaught: Thrown };

/** From that thread to the engine. */
export type BridgeMessage =
  ModuleAnswer | { readonly call: number; readonly end: ModuleEnd } | { readonly console: readonly string[] };

/** To that thread. `wait`: the engine's thread waits for the answer at the port. */
export interface BridgeRequest {
  readonly call: number;
  readonly wait: boolean;
  readonly request: ModuleRequest;
}
