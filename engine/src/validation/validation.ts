import {
  drop,
  fail,
  undefinedDropText,
  type DropType,
  type Problem,
  type TensorSignature,
} from '@quantsmith/schemas';
import { KEPT_BYTES, keepSamples } from '../data/keep.js';
import { firstIndices, openData } from '../data/source.js';
import type { DataSection, SampleSource } from '../data/types.js';
import type { PreparedModel } from '../prepare/prepare.js';
import { collectOutputs, evaluate, type Evaluation, type ReferenceOutputs } from '../metrics/evaluate.js';
import { openMetric, type Metric, type SampleRecord } from '../metrics/metric.js';
import { dropInterval } from '../metrics/drop.js';
import type { ModelProto } from '@quantsmith/model/onnx';
import { batchSize } from './batchSize.js';
import type { Lanes } from '../runtime/lanes.js';

/** What accuracy is to be measured on, and against what. */
export interface ValidationPlan {
  readonly section: DataSection;
  /** What the section is in the config: validation data, or for want of it calibration data. */
  readonly role: 'validation' | 'calibration';
  /** null: accuracy is only measured. */
  readonly control: {
    /** A metric's name, or the path of a module. */
    readonly metric: string;
    readonly maxDrop: number;
    readonly dropType: DropType;
  } | null;
}

/** What accuracy is measured on and with. */
export interface Validation {
  readonly source: SampleSource;
  readonly metric: Metric;
  readonly dropType: DropType;
  /** null without accuracy control. */
  readonly maxDrop: number | null;
  readonly problems: readonly Problem[];
}

export interface ValidationContext {
  readonly inputs: readonly TensorSignature[];
  readonly baseDir: string;
  readonly allowModules: boolean;
}

/**
 * Opens the validation data and the metric. Without validation data, accuracy control measures the difference of the
 * outputs on the calibration samples, and says so. Returns null when there is nothing to measure on.
 */
export async function openValidation(
  plan: ValidationPlan | null,
  context: ValidationContext,
): Promise<Validation | null> {
  if (plan === null) return null;
  const { section, role, control } = plan;
  const source = await openData(section, { ...context, configPath: ['data', role] });
  const wanted = control?.metric ?? (source.hasLabels ? 'top1' : 'sqnr');
  const metric = await openMetric(wanted, context);
  if (metric.needsLabels && !source.hasLabels) {
    fail(
      'metric-needs-labels',
      `The metric ${metric.name} needs labels, and data.${role} has none: name a label file, or use sqnr, cosine, mse or mae.`,
      {
        configPath: control === null ? ['data', role] : ['accuracy_control', 'metric'],
        data: { metric: metric.name },
      },
    );
  }
  const problems: Problem[] = [];
  if (role === 'calibration') {
    problems.push({
      code: 'validation-on-calibration',
      severity: 'warning',
      message: 'There is no validation data; accuracy is measured on the calibration samples.',
      configPath: ['data'],
    });
  }
  return {
    // Restoration reads the samples again and again.
    source: control === null ? source : keepSamples(source, KEPT_BYTES),
    metric,
    dropType: control?.dropType ?? 'absolute',
    maxDrop: control?.maxDrop ?? null,
    problems,
  };
}

/** The float model's result, and its outputs where the metric compares with them. */
export interface Baseline {
  readonly value: number;
  readonly records: readonly SampleRecord[];
  readonly reference: ReferenceOutputs | null;
  /** Samples that may go through the model at once. */
  readonly batch: number;
}

/** Samples that tell whether a batch gives what each of them gives alone. */
const PROBED = 3;

export async function measureBaseline(
  prepared: PreparedModel,
  validation: Validation,
  lanes: Lanes,
  onSample: (done: number) => void,
): Promise<Baseline> {
  const { source, metric } = validation;
  const indices = firstIndices(source.count);
  const first = await Promise.all(firstIndices(Math.min(PROBED, source.count)).map((i) => source.get(i)));
  const batch = await batchSize(prepared, first, lanes);
  const runner = await lanes.open(prepared.model, { dir: prepared.dir, batch });
  try {
    const reference = metric.needsReference ? await collectOutputs(runner, source, indices, onSample) : null;
    const evaluation = await evaluate(runner, source, indices, metric, {
      ...(reference === null ? { onSample } : { reference }),
    });
    return { ...evaluation, reference, batch };
  } finally {
    await runner.release();
  }
}

/** Measures a quantized model on some of the validation samples. */
export async function measureModel(
  model: ModelProto,
  validation: Validation,
  baseline: Baseline,
  indices: readonly number[],
  options: { lanes: Lanes; dir: string; onSample?: (done: number) => void },
): Promise<Evaluation> {
  const runner = await options.lanes.open(model, { dir: options.dir, batch: baseline.batch });
  try {
    return await evaluate(runner, validation.source, indices, validation.metric, {
      ...(baseline.reference === null ? {} : { reference: baseline.reference }),
      ...(options.onSample === undefined ? {} : { onSample: options.onSample }),
    });
  } finally {
    await runner.release();
  }
}

/** Drop of a full evaluation against the baseline; null: undefined. */
export function dropOf(
  { metric, dropType }: Validation,
  baseline: Baseline,
  evaluation: Evaluation,
): number | null {
  const { higherIsBetter } = metric;
  return drop(evaluation.value, { baseline: baseline.value, higherIsBetter, dropType });
}

/** A drop that states can be ordered by: one that is undefined is worse than any other. */
export function comparableDrop(validation: Validation, baseline: Baseline, evaluation: Evaluation): number {
  return dropOf(validation, baseline, evaluation) ?? Number.POSITIVE_INFINITY;
}

/** Whether no value has a drop: relative to a float metric of 0. */
export function dropsAreUndefined({ dropType }: Validation, { value }: Baseline): boolean {
  return dropType === 'relative' && value === 0;
}

/** What has to be said of the float model's result. */
export function baselineProblems(validation: Validation, baseline: Baseline): Problem[] {
  if (!dropsAreUndefined(validation, baseline)) return [];
  return [
    {
      code: 'drop-undefined',
      severity: 'warning',
      message: `${undefinedDropText(validation.metric.name)} Use drop_type: absolute.`,
      configPath: ['accuracy_control', 'drop_type'],
    },
  ];
}

/** 95 % confidence interval of the drop. */
export function intervalOf(
  validation: Validation,
  baseline: Baseline,
  evaluation: Evaluation,
): [number, number] | null {
  return dropInterval(validation.metric, baseline.records, evaluation.records, validation.dropType);
}
