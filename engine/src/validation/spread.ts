import type { ModelProto } from '@quantsmith/model/onnx';
import type { SampleState } from '../metrics/metric.js';
import type { OpenOptions } from '../runtime/workers.js';
import type { Task } from '../tasks/task.js';

/** What is measured of one model. */
export interface Measurement {
  /** A metric's states, or how far the outputs are from the float model's. */
  readonly what: 'states' | 'errors';
  readonly model: ModelProto;
  readonly session: Pick<OpenOptions, 'dir' | 'optimization'>;
  /** The float model, where outputs are compared with its own. */
  readonly reference: FloatReference | null;
  readonly task: Task;
  /** Samples that go through the model at once. */
  readonly batch: number;
  readonly indices: readonly number[];
  /** Whether it is wanted because of what other measurements came to. */
  readonly isSequel: boolean;
}

export interface FloatReference {
  readonly model: ModelProto;
  readonly dir: string;
  /** Of the float model: what it gives may follow from it. */
  readonly batch: number;
}

/** One value for each sample, in the order of the indices. */
export type MeasureSamples = (indices: readonly number[]) => Promise<readonly SampleState[]>;

/** Measures models in several processes; what comes out is the same to the bit as in one. */
export interface Spread {
  /** So many models are worth measuring side by side. */
  readonly width: number;
  /** `here` measures what nobody else does. */
  readonly measure: (
    measurement: Measurement,
    here: MeasureSamples,
    onSample?: (done: number) => void,
  ) => Promise<readonly SampleState[]>;
}
