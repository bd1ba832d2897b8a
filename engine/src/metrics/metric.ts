import type { HostTensor } from '@quantsmith/model/arrays';
import type { Label } from '../data/labels/label.js';
import type { ImagePlacement } from '../data/imagePlacement.js';
import type { Task } from '../tasks/task.js';
import type { Guess } from './guess.js';

export type Outputs = Readonly<Record<string, HostTensor>>;

/** What a metric may know of a sample besides its outputs and its label. */
export interface SampleContext {
  readonly name: string;
  /** What the model was given. */
  readonly feeds: Outputs;
  /** How the image lies in the model's input; null where the sample is not an image. */
  readonly image: ImagePlacement | null;
  readonly task: Task;
}

/** What a metric keeps of one sample; which JSON that is, only the metric knows. */
export type SampleState = unknown;

/**
 * Measures accuracy over samples in two steps: each sample becomes a state, and states, in the order of their samples,
 * become the value. Any subset of the states can be reduced again (bootstrap, ranking, restoration), and however the
 * samples were split among sessions, the value is the same to the bit.
 *
 * A state is plain JSON without NaN and infinities: it is kept on disk while accuracy is restored.
 */
export interface Metric<State = SampleState> {
  readonly name: string;
  readonly higherIsBetter: boolean;
  /** What a module holds, hashed: results of an edited one are not taken for its own. */
  readonly identity?: string;
  readonly needsLabels: boolean;
  /** Whether it compares with the float model's outputs. */
  readonly needsReference: boolean;
  /** `floatOutputs`: the float model's outputs, where the metric compares with them. */
  accumulate(
    outputs: Outputs,
    label: Label,
    floatOutputs: Outputs | null,
    context: SampleContext,
  ): State | Promise<State>;
  /** The metric's value over some samples. */
  result(states: readonly State[]): number;
  /** A sample's error, larger is worse: the order in which samples tell most about what quantization breaks. */
  sampleError(state: State): number;
  /** false: `sampleError` is good for an order only; no sample alone is answered better by one model than by another. */
  readonly comparesSamples?: false;
  readonly margin?: Margin<State>;
  /** What a model answers to a sample, of metrics of single answers. */
  answer?(state: State): Answer;
  /**
   * What guessing would come to. `classes`: values of the output that classes are read from; null: unknown. null: there is too
   * little to tell by. Left out: the table of metrics says why.
   */
  guess?(states: readonly State[], classes: number | null): Guess | null;
  /** The metric for each class; left out: it knows of none. */
  byClass?(states: readonly State[]): readonly ClassValue[];
  /**
   * How far a sample's outputs are from the float model's, as far as the metric cares; it orders operators before any is
   * measured. Left out: the relative error of all outputs.
   */
  outputError?(outputs: Outputs, floatOutputs: Outputs, context: SampleContext): number;
}

/** One answer of a classifier. */
export interface Answer {
  readonly isRight: boolean;
  readonly label: number;
  readonly answer: number;
  /** The label's score less the largest that it must exceed; negative: wrong. null: the metric keeps none. */
  readonly margin: number | null;
}

/** The metric over what belongs to one class. */
export interface ClassValue {
  readonly class: number;
  /** Samples, or objects, of this class. */
  readonly count: number;
  readonly value: number;
}

/** Of metrics that are made of yes and no: how far a sample is from being judged otherwise. */
export interface Margin<State = SampleState> {
  /** Positive: yes. */
  of(state: State): number;
  /** The state of a sample with this margin; `yes`: the probability that it is judged yes, where that is not certain. */
  state(margin: number, probability?: number): State;
}

/** One sample's figures, for metrics that are made of sums. */
export type Sums = readonly number[];

/** Column `index` of the states, summed in their order. */
export const total = (states: readonly Sums[], index: number): number =>
  states.reduce((sum, state) => sum + state[index]!, 0);

/** The average of the states' first figures. */
export const average = (states: readonly Sums[]): number => total(states, 0) / states.length;
