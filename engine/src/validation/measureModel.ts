import { sha256 } from '@quantsmith/model/files';
import { encodeModel, type ModelProto } from '@quantsmith/model/onnx';
import { evaluate, type Evaluation } from '../metrics/evaluate.js';
import type { Metric } from '../metrics/metric.js';
import type { PreparedModel } from '../prepare/prepare.js';
import type { ModelRunner, OpenOptions, Workers } from '../runtime/workers.js';
import type { FloatReference, MeasureSamples } from './spread.js';
import type { Baseline, Validation } from './validation.js';

/** What models are measured against, and how they run. */
export interface Measuring extends Pick<OpenOptions, 'dir' | 'optimization' | 'alone'> {
  readonly workers: Workers;
  /** The float model. */
  readonly prepared: PreparedModel;
  readonly validation: Validation;
  /** What is known of it. */
  readonly baseline: Pick<Baseline, 'batch' | 'task' | 'reference'>;
  /** Whether it is wanted because of what other measurements came to; left out: it is not. */
  readonly isSequel?: boolean;
  readonly onSample?: (done: number) => void;
}

/** A model that is measured on some samples and then on others. */
export interface MeasuredModel {
  readonly states: MeasureSamples;
  /** Something else that is measured of the runner of this model, for each sample one number. */
  readonly errors: (
    indices: readonly number[],
    here: (runner: ModelRunner, indices: readonly number[]) => Promise<readonly number[]>,
  ) => Promise<readonly number[]>;
}

/** Lets `body` measure a model, which is loaded here only where it is measured here. */
export async function withMeasured<T>(
  model: ModelProto,
  options: Measuring,
  body: (measured: MeasuredModel) => Promise<T>,
): Promise<T> {
  const { workers, validation, baseline, prepared, isSequel = false, onSample } = options;
  const { alone, ...session } = sessionOf(options);
  const { source, metric, spread } = validation;
  const { task, batch } = baseline;
  let opened: Promise<ModelRunner> | undefined;
  const open = () => (opened ??= workers.open(model, { ...session, alone, batch }));
  const measurement = { model, session, task, batch, isSequel };
  const here: MeasureSamples = async (indices) => {
    const evaluation = await evaluate(await open(), source, indices, metric, {
      task,
      ...(baseline.reference === null ? {} : { reference: baseline.reference }),
      ...(onSample === undefined || spread !== undefined ? {} : { onSample }),
    });
    return evaluation.states;
  };

  try {
    return await body({
      states: (indices) =>
        spread === undefined
          ? here(indices)
          : spread.measure(
              { ...measurement, what: 'states', reference: referenceOf(prepared, baseline, metric), indices },
              here,
              onSample,
            ),
      async errors(indices, errorsOf) {
        const measure = async (some: readonly number[]) => errorsOf(await open(), some);
        if (spread === undefined) return measure(indices);
        const reference = { model: prepared.model, dir: prepared.dir, batch: 1 };
        const errors = await spread.measure({ ...measurement, what: 'errors', reference, indices }, measure);
        return errors as readonly number[];
      },
    });
  } finally {
    await (await opened?.catch(() => undefined))?.release();
  }
}

const sessionOf = ({ dir, optimization, alone = false }: Measuring) => ({
  ...(dir === undefined ? {} : { dir }),
  ...(optimization === undefined ? {} : { optimization }),
  alone,
});

const referenceOf = (
  { model, dir }: PreparedModel,
  { batch }: Measuring['baseline'],
  { needsReference }: Metric,
): FloatReference | null => (needsReference ? { model, dir, batch } : null);

/** Measures a quantized model on some of the validation samples. */
export function measureModel(
  model: ModelProto,
  indices: readonly number[],
  options: Measuring,
): Promise<Evaluation> {
  const { metric, once } = options.validation;
  const measure = () =>
    withMeasured(model, options, async ({ states }) => {
      const measured = await states(indices);
      return { value: metric.result(measured), states: measured };
    });

  return once === undefined ? measure() : once(keyOf(model, indices, options), measure);
}

/** Models of the same bytes that run alike give the same: settings often make no difference. */
function keyOf(model: ModelProto, indices: readonly number[], options: Measuring): readonly unknown[] {
  const { source, metric, task } = options.validation;
  const { batch, task: settled } = options.baseline;
  const bytes = sha256(encodeModel(model));

  const which = indices.length === source.count ? 'all' : indices;

  return ['evaluation', bytes, sessionOf(options), batch, task, settled, metric.name, which];
}
