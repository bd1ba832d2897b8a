import { firstIndices, readAhead, type SampleSource } from '../data/source.js';
import { collectOutputs, evaluate, type Evaluation, type ReferenceOutputs } from '../metrics/evaluate.js';
import type { SampleRecord } from '../metrics/metric.js';
import type { ModelProto } from '../onnx/onnx_pb.js';
import { buildModel, type Quantization } from '../quantization.js';
import type { Lanes, ModelRunner } from '../runtime/lanes.js';
import { dropOf, type Baseline, type Validation } from '../validation.js';
import type { Journal } from './journal.js';
import { decidingSamples, screeningSamples } from './samples.js';
import type { Assessment } from './search.js';

/** Measures one quantization with any operators in float; every result goes through the journal. */
export interface Evaluator {
  /** Relative error of the outputs on the screening samples. */
  readonly screen: (reverted: ReadonlySet<string>) => Promise<number>;
  readonly assess: (reverted: ReadonlySet<string>) => Promise<Assessment>;
  /** The drop to be expected of several groups in float, from what each did alone; null where that is not known. */
  readonly foretell: (groups: readonly ReadonlySet<string>[]) => number | null;
  readonly validate: (reverted: ReadonlySet<string>) => Promise<Evaluation>;
  /** The full evaluation of a state, where there was one. */
  readonly evaluationOf: (reverted: ReadonlySet<string>) => Evaluation | undefined;
  /** How many samples decide, and are looked at first. */
  readonly deciding: number;
}

export interface EvaluatorInput {
  readonly quantization: Quantization;
  readonly validation: Validation;
  readonly baseline: Baseline;
  /** The quantized model without any reversal. */
  readonly initial: Evaluation;
  /** The most samples that a state is judged by before it is measured on all. */
  readonly limit: number;
  readonly lanes: Lanes;
  readonly journal: Journal;
  /** Tells the results of this quantization from those of others in the journal. */
  readonly prefix: string;
}

const SCREENING_SAMPLES = 8;

export function createEvaluator(input: EvaluatorInput): Evaluator {
  const { quantization, validation, baseline, initial, journal, prefix } = input;
  const { metric, source } = validation;
  const deciding = decidingSamples(metric, baseline.records, initial.records, input.limit);
  const screening = screeningSamples(metric, baseline.records, initial.records, SCREENING_SAMPLES);
  const full = new Map<string, Evaluation>();
  const judged = new Map<string, readonly SampleRecord[]>();
  let floatOutputs: Promise<ReferenceOutputs> | undefined;

  const withModel = <T>(reverted: ReadonlySet<string>, body: (runner: ModelRunner) => Promise<T>) =>
    withRunner(buildModel(quantization, reverted), input, body);
  const recordsOn = async (runner: ModelRunner, indices: readonly number[]) => {
    const options = baseline.reference === null ? {} : { reference: baseline.reference };
    return (await evaluate(runner, source, indices, metric, options)).records;
  };
  const remember = (reverted: ReadonlySet<string>, records: readonly SampleRecord[]): Evaluation => {
    const evaluation = { value: metric.aggregate(records), records };
    full.set(keyOf(reverted), evaluation);
    return evaluation;
  };
  const validate = async (reverted: ReadonlySet<string>) =>
    remember(
      reverted,
      await journal.of(`${prefix} validate ${keyOf(reverted)}`, () =>
        withModel(reverted, (runner) => recordsOn(runner, firstIndices(source.count))),
      ),
    );

  return {
    deciding: deciding.length,
    evaluationOf: (reverted) => full.get(keyOf(reverted)),
    validate,
    screen: (reverted) =>
      journal.of(`${prefix} screen ${keyOf(reverted)}`, async () => {
        floatOutputs ??= withRunner(quantization.prepared.model, input, (runner) =>
          collectOutputs(runner, source, screening),
        );
        const expected = await floatOutputs;
        return withModel(reverted, (runner) => outputError(runner, source, screening, expected));
      }),
    foretell(groups) {
      const { margin } = metric;
      const alone = groups.map((group) => judged.get(keyOf(group)));
      if (margin === undefined || alone.includes(undefined)) return null;
      // To first order the errors of the operators add up: what each reversal took away alone, all of them take away.
      const records = deciding.map((index) => {
        const before = margin.of(initial.records[index]!);
        const gained = alone.reduce((sum, states) => sum + margin.of(states![index]!) - before, 0);
        return margin.record(before + gained);
      });
      return hopedDrop(validation, baseline, deciding, records);
    },
    async assess(reverted) {
      const found = await journal.of(`${prefix} assess ${keyOf(reverted)}`, () =>
        withModel(reverted, async (runner) => {
          const touched = await recordsOn(runner, deciding);
          const hoped = merge(baseline.records, deciding, touched);
          const missed = hopedDrop(validation, baseline, deciding, touched) > (validation.maxDrop ?? 0);
          if (missed && deciding.length < source.count) return { records: hoped, exact: false };
          const others = complement(source.count, deciding);
          return { records: merge(hoped, others, await recordsOn(runner, others)), exact: true };
        }),
      );
      const evaluation = { value: metric.aggregate(found.records), records: found.records };
      judged.set(keyOf(reverted), found.records);
      if (found.exact) full.set(keyOf(reverted), evaluation);
      return {
        metric: evaluation.value,
        drop: dropOf(validation, baseline, evaluation),
        exact: found.exact,
      };
    },
  };
}

/** The drop if all samples that were not looked at are answered as by the float model: there can be no less. */
function hopedDrop(
  validation: Validation,
  baseline: Baseline,
  indices: readonly number[],
  records: readonly SampleRecord[],
): number {
  const hoped = merge(baseline.records, indices, records);
  return dropOf(validation, baseline, { value: validation.metric.aggregate(hoped), records: hoped });
}

function merge(
  base: readonly SampleRecord[],
  indices: readonly number[],
  records: readonly SampleRecord[],
): SampleRecord[] {
  const merged = [...base];
  indices.forEach((index, i) => (merged[index] = records[i]!));
  return merged;
}

function complement(count: number, indices: readonly number[]): number[] {
  const taken = new Set(indices);
  return firstIndices(count).filter((index) => !taken.has(index));
}

/** Mean over samples and outputs of ‖x − y‖² / ‖x‖², x from the float model. */
async function outputError(
  runner: ModelRunner,
  source: SampleSource,
  indices: readonly number[],
  expected: ReferenceOutputs,
): Promise<number> {
  let total = 0;
  let terms = 0;
  let position = 0;
  for await (const [, outputs] of runner.run(readAhead(source, indices))) {
    for (const [name, { data }] of Object.entries(expected.get(indices[position++]!)!)) {
      const actual = outputs[name]?.data;
      if (!(data instanceof Float32Array) || !(actual instanceof Float32Array)) continue;
      total += relativeError(data, actual);
      terms++;
    }
  }
  const error = terms === 0 ? 0 : total / terms;
  // Kept as JSON, which has no infinities.
  return Number.isFinite(error) ? error : Number.MAX_VALUE;
}

function relativeError(expected: Float32Array, actual: Float32Array): number {
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < expected.length; i++) {
    signal += expected[i]! ** 2;
    noise += (expected[i]! - actual[i]!) ** 2;
  }
  return noise === 0 ? 0 : noise / signal;
}

async function withRunner<T>(
  model: ModelProto,
  { lanes, quantization }: EvaluatorInput,
  body: (runner: ModelRunner) => Promise<T>,
): Promise<T> {
  const runner = await lanes.open(model, { dir: quantization.prepared.dir });
  try {
    return await body(runner);
  } finally {
    await runner.release();
  }
}

const keyOf = (reverted: ReadonlySet<string>) => JSON.stringify([...reverted].sort());
