import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import type { Sample } from '../data/types.js';
import { fail } from '@quantsmith/schemas';
import type { HostTensor } from '@quantsmith/model/arrays';

/** What a metric knows of one sample: plain numbers, so that any subset can be aggregated again (bootstrap, ranking). */
export type SampleRecord = readonly number[];

export type Outputs = Readonly<Record<string, HostTensor>>;

export interface Metric {
  readonly name: string;
  readonly higherIsBetter: boolean;
  readonly needsLabels: boolean;
  /** Whether it compares with the float model's outputs. */
  readonly needsReference: boolean;
  /** Measures one sample. `reference`: the float model's outputs, where needed. */
  readonly measure: (
    outputs: Outputs,
    sample: Sample,
    reference: Outputs | null,
  ) => SampleRecord | Promise<SampleRecord>;
  /** The metric's value over some samples' records. */
  readonly aggregate: (records: readonly SampleRecord[]) => number;
  /** A sample's error, larger is worse: the order in which samples tell most about what quantization breaks. */
  readonly sampleError: (record: SampleRecord) => number;
  /** Of metrics that are made of yes and no: how far a sample is from being judged otherwise. */
  readonly margin?: {
    /** Positive: yes. */
    readonly of: (record: SampleRecord) => number;
    /** The record of a sample with this margin; `yes`: the probability that it is judged yes, where that is not certain. */
    readonly record: (margin: number, yes?: number) => SampleRecord;
  };
}

const average = (records: readonly SampleRecord[]) =>
  records.reduce((sum, record) => sum + record[0]!, 0) / records.length;

/** Share of samples whose label is among the `k` largest outputs. Ties go to the lower class. Record: [hit, margin]. */
function topK(name: string, k: number): Metric {
  return {
    name,
    higherIsBetter: true,
    needsLabels: true,
    needsReference: false,
    measure: (outputs, sample) => [
      rankOfLabel(outputs, sample) < k ? 1 : 0,
      marginOfLabel(outputs, sample, k),
    ],
    aggregate: average,
    sampleError: (record) => 1 - record[0]!,
    margin: { of: (record) => record[1]!, record: (margin, yes = margin > 0 ? 1 : 0) => [yes, margin] },
  };
}

/** The label's score less the k-th largest of the others; 0 where the label's is not a number. */
function marginOfLabel(outputs: Outputs, sample: Sample, k: number): number {
  const scores = scoresOf(outputs);
  const label = checkedLabel(sample, scores.length);
  const largest: number[] = new Array<number>(k).fill(Number.NEGATIVE_INFINITY);
  for (let c = 0; c < scores.length; c++) {
    if (c === label || !(scores[c]! > largest[k - 1]!)) continue;
    let place = k - 1;
    for (; place > 0 && largest[place - 1]! < scores[c]!; place--) largest[place] = largest[place - 1]!;
    largest[place] = scores[c]!;
  }
  const margin = scores[label]! - largest[k - 1]!;
  return Number.isFinite(margin) ? margin : 0;
}

/** How many classes score higher than the label. */
function rankOfLabel(outputs: Outputs, sample: Sample): number {
  const scores = scoresOf(outputs);
  const label = checkedLabel(sample, scores.length);
  const own = scores[label]!;
  if (Number.isNaN(own)) return Number.POSITIVE_INFINITY;
  let rank = 0;
  for (let c = 0; c < scores.length; c++) if (scores[c]! > own || (scores[c]! === own && c < label)) rank++;
  return rank;
}

function scoresOf(outputs: Outputs): Float32Array {
  const [first] = Object.values(outputs);
  return (first?.data ?? new Float32Array(0)) as Float32Array;
}

function checkedLabel(sample: Sample, classes: number): number {
  if (sample.label === null) {
    return fail('label-missing', `Sample "${sample.name}" has no label.`, {
      configPath: ['data', 'validation'],
    });
  }
  if (sample.label >= classes) {
    fail(
      'label-out-of-range',
      `Sample "${sample.name}" has the label ${sample.label}, but the model has only ${classes} classes.`,
      {
        configPath: ['data', 'validation', 'labels'],
        data: { sample: sample.name, label: sample.label, classes },
      },
    );
  }
  return sample.label;
}

/** Macro-averaged F1 = mean over the classes that occur of 2·TP / (2·TP + FP + FN). Record: [prediction, label]. */
const f1: Metric = {
  name: 'f1',
  higherIsBetter: true,
  needsLabels: true,
  needsReference: false,
  measure(outputs, sample) {
    const scores = scoresOf(outputs);
    const label = checkedLabel(sample, scores.length);
    let best = 0;
    for (let c = 1; c < scores.length; c++) if (scores[c]! > scores[best]!) best = c;
    return [best, label];
  },
  aggregate(records) {
    const counts = new Map<number, { hit: number; predicted: number; actual: number }>();
    const of = (label: number) => {
      const found = counts.get(label) ?? { hit: 0, predicted: 0, actual: 0 };
      counts.set(label, found);
      return found;
    };
    for (const [prediction = 0, label = 0] of records) {
      of(prediction).predicted++;
      of(label).actual++;
      if (prediction === label) of(label).hit++;
    }
    const scores = [...counts.values()].map(({ hit, predicted, actual }) => (2 * hit) / (predicted + actual));
    return scores.reduce((sum, score) => sum + score, 0) / scores.length;
  },
  sampleError: ([prediction, label]) => (prediction === label ? 0 : 1),
};

/** Visits the float outputs of the model and of the reference in pairs. */
function eachPair(
  outputs: Outputs,
  reference: Outputs,
  visit: (actual: number, expected: number) => void,
): void {
  for (const [name, tensor] of Object.entries(outputs)) {
    const expected = reference[name];
    if (!(tensor.data instanceof Float32Array) || !(expected?.data instanceof Float32Array)) continue;
    const [a, b] = [tensor.data, expected.data];
    for (let i = 0; i < a.length; i++) visit(a[i]!, b[i]!);
  }
}

interface Difference {
  readonly name: string;
  readonly higherIsBetter: boolean;
  /** One pair's contribution to each of the sums that make up the record. */
  readonly add: (sums: number[], actual: number, expected: number) => void;
  readonly sums: number;
  /** A sample's value from its sums. */
  readonly value: (sums: readonly number[]) => number;
  /** The value over all samples; default: the average of the samples' values. */
  readonly overall?: (records: readonly SampleRecord[]) => number;
  readonly error: (value: number) => number;
}

/** A metric on the difference between the quantized and the float model's outputs. */
function difference(spec: Difference): Metric {
  return {
    name: spec.name,
    higherIsBetter: spec.higherIsBetter,
    needsLabels: false,
    needsReference: true,
    measure(outputs, _, reference) {
      const sums = new Array<number>(spec.sums).fill(0);
      eachPair(outputs, reference ?? outputs, (actual, expected) => spec.add(sums, actual, expected));
      return [spec.value(sums), ...sums];
    },
    aggregate: spec.overall ?? average,
    sampleError: (record) => spec.error(record[0]!),
  };
}

const increment = (sums: number[], index: number, by: number) => (sums[index] = sums[index]! + by);

/** Mean of squared differences over all output elements of a sample, averaged over samples. */
const mse = difference({
  name: 'mse',
  higherIsBetter: false,
  sums: 2,
  add(sums, actual, expected) {
    increment(sums, 0, (actual - expected) ** 2);
    increment(sums, 1, 1);
  },
  value: ([squares = 0, count = 0]) => (count === 0 ? 0 : squares / count),
  error: (value) => value,
});

/** Mean of absolute differences over all output elements of a sample, averaged over samples. */
const mae = difference({
  name: 'mae',
  higherIsBetter: false,
  sums: 2,
  add(sums, actual, expected) {
    increment(sums, 0, Math.abs(actual - expected));
    increment(sums, 1, 1);
  },
  value: ([total = 0, count = 0]) => (count === 0 ? 0 : total / count),
  error: (value) => value,
});

/** Cosine of the angle between the outputs: Σab / (‖a‖·‖b‖), averaged over samples; two zero vectors count as equal. */
const cosine = difference({
  name: 'cosine',
  higherIsBetter: true,
  sums: 3,
  add(sums, actual, expected) {
    increment(sums, 0, actual * expected);
    increment(sums, 1, actual * actual);
    increment(sums, 2, expected * expected);
  },
  value: ([dot = 0, a = 0, b = 0]) =>
    a === 0 && b === 0 ? 1 : a === 0 || b === 0 ? 0 : dot / Math.sqrt(a * b),
  error: (value) => 1 - value,
});

/** The value given to outputs that are equal, where the ratio is infinite. */
export const EQUAL_SQNR_DB = 200;

/** 10·log10(Σx² / Σ(x − y)²) in dB over all elements of all samples; equal outputs count as 200 dB. */
const sqnr = difference({
  name: 'sqnr',
  higherIsBetter: true,
  sums: 2,
  add(sums, actual, expected) {
    increment(sums, 0, expected * expected);
    increment(sums, 1, (actual - expected) ** 2);
  },
  value: ([signal = 0, noise = 0]) => decibels(signal, noise),
  overall: (records) => decibels(sum(records, 1), sum(records, 2)),
  error: (value) => -value,
});

const sum = (records: readonly SampleRecord[], index: number) =>
  records.reduce((total, record) => total + record[index]!, 0);

function decibels(signal: number, noise: number): number {
  if (noise === 0) return EQUAL_SQNR_DB;
  return signal === 0 ? -EQUAL_SQNR_DB : Math.min(EQUAL_SQNR_DB, 10 * Math.log10(signal / noise));
}

const BUILT_IN: Readonly<Record<string, Metric>> = {
  top1: topK('top1', 1),
  top5: topK('top5', 5),
  f1,
  mse,
  mae,
  cosine,
  sqnr,
};

/** The metric of that name, or of the module at that path. Throws `metric-unknown`, `modules-not-allowed`, `metric-failed`. */
export async function openMetric(
  name: string,
  context: { baseDir: string; allowModules: boolean },
): Promise<Metric> {
  const builtIn = BUILT_IN[name];
  if (builtIn !== undefined) return builtIn;
  const configPath = ['accuracy_control', 'metric'];
  if (!/\.[cm]?[jt]s$/.test(name))
    fail('metric-unknown', `There is no metric "${name}".`, { configPath, data: { name } });
  const path = resolve(context.baseDir, name);
  if (!context.allowModules) {
    fail(
      'modules-not-allowed',
      `${path} is a program; it runs only when modules are allowed (--allow-modules, or the setting in a trusted workspace).`,
      { file: path, configPath },
    );
  }
  return loadModule(path, configPath);
}

interface MetricModule {
  readonly name?: string;
  readonly higherIsBetter?: boolean;
  readonly evaluate: (outputs: Outputs, label: number | null, sample: Sample) => number | Promise<number>;
}

async function loadModule(path: string, configPath: string[]): Promise<Metric> {
  let module: MetricModule;
  try {
    module = ((await import(pathToFileURL(path).href)) as { default: MetricModule }).default;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail('metric-failed', `The metric module ${path} cannot be loaded: ${reason}.`, {
      file: path,
      configPath,
    });
  }
  if (typeof module?.evaluate !== 'function') {
    fail('metric-failed', `The metric module ${path} has no function "evaluate" in its default export.`, {
      file: path,
      configPath,
    });
  }
  const higherIsBetter = module.higherIsBetter ?? true;
  return {
    name: module.name ?? path,
    higherIsBetter,
    needsLabels: false,
    needsReference: false,
    async measure(outputs, sample) {
      const value = await module.evaluate(outputs, sample.label, sample);
      if (typeof value === 'number' && Number.isFinite(value)) return [value];
      return fail('metric-failed', `${path} returned ${String(value)} for sample "${sample.name}".`, {
        file: path,
        configPath,
      });
    },
    aggregate: average,
    sampleError: (record) => (higherIsBetter ? -record[0]! : record[0]!),
  };
}
