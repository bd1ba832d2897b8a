import {
  drop,
  fail,
  defaultMetric,
  metricFacts,
  undefinedDropText,
  type DropType,
  type Problem,
  type TensorSignature,
} from '@quantsmith/schemas';
import { KEPT_BYTES, keepSamples } from '../data/keep.js';
import { firstIndices, openData } from '../data/source.js';
import type { DataSection, Sample, SampleSource } from '../data/types.js';
import type { PreparedModel } from '../prepare/prepare.js';
import { collectOutputs, evaluate, type Evaluation, type ReferenceOutputs } from '../metrics/evaluate.js';
import type { Metric, SampleState } from '../metrics/metric.js';
import type { ModuleOptions } from '../data/modules/moduleProcess.js';
import { mainOutput } from '../metrics/read.js';
import { openMetric } from '../metrics/open.js';
import { settleTask, type Seen } from '../tasks/guess.js';
import { openTask, type Task, type TaskConfig } from '../tasks/task.js';
import { dropInterval, unseenInterval } from '../metrics/drop.js';
import { batchSize } from './batchSize.js';
import type { MeasureSamples, Spread } from './spread.js';
import type { Workers } from '../runtime/workers.js';
import type { Once } from '../runtime/once.js';

/** What accuracy is to be measured on, and against what. */
export interface ValidationPlan {
  readonly section: DataSection;
  /** What the section is in the config: validation data, or for want of it calibration data. */
  readonly role: 'validation' | 'calibration';
  /** What the config says of the outputs; undefined: nothing. */
  readonly task: TaskConfig | undefined;
  /** null: accuracy is only measured. */
  readonly control: {
    /** A metric's name, or the path of a module. */
    readonly metric: string;
    readonly maxDrop: number | null;
    readonly target: number | null;
    readonly dropType: DropType;
  } | null;
}

/** What accuracy is measured on and with. */
export interface Validation {
  readonly source: SampleSource;
  readonly metric: Metric;
  readonly dropType: DropType;
  /** The largest drop from the float model; null: none is asked for. */
  readonly maxDrop: number | null;
  /** Value that the quantized model must reach; null: none. */
  readonly target: number | null;
  readonly task: Task;
  readonly problems: readonly Problem[];
  /** Where models are measured besides here; left out: nowhere. */
  readonly spread?: Spread;
  /** Keeps what was measured of a model for the next one of the same bytes; left out: it is measured again. */
  readonly once?: Once;
}

export interface ValidationContext {
  /** Values of a row of the only output; null or left out: not known. */
  readonly modelClasses?: number | null;
  readonly inputs: readonly TensorSignature[];
  readonly outputs?: readonly TensorSignature[];
  readonly baseDir: string;
  readonly allowModules: boolean;
  readonly modules?: ModuleOptions;
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
  const stated = await openTask(plan.task, context.baseDir);
  const source = await openData(section, {
    ...context,
    configPath: ['data', role],
    labelKind: metricFacts(control?.metric ?? defaultMetric(stated.type))?.labels ?? null,
  });

  const wanted = control?.metric ?? (source.hasLabels ? defaultMetric(stated.type) : 'sqnr');
  const metric = await openMetric(wanted, context);
  const task = metricFacts(wanted)?.labels === 'boxes' ? { ...stated, type: 'detection' as const } : stated;
  if (metric.needsLabels && !source.hasLabels) {
    fail(
      'metric-needs-labels',
      `The metric ${metric.name} needs ${role === 'calibration' ? 'labels: add data.validation with labels' : 'labels, and data.validation has none: name a label file'}, or use agreement, sqnr or cosine.`,
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
      message: 'No validation data: accuracy is measured on the calibration samples.',
      configPath: ['data'],
    });
  }

  return {
    // Restoration reads the samples again and again.
    source: control === null ? source : keepSamples(source, KEPT_BYTES),
    metric,
    dropType: control?.dropType ?? 'absolute',
    maxDrop: control?.maxDrop ?? null,
    target: control?.target ?? null,
    task,
    problems,
  };
}

/** The float model's result, and its outputs where the metric compares with them. */
export interface Baseline {
  readonly value: number;
  readonly states: readonly SampleState[];
  readonly reference: ReferenceOutputs | null;
  /** Whether an earlier run had measured it. */
  readonly cached: boolean;
  /** Samples that may go through the model at once. */
  readonly batch: number;
  /** The task with what the float model's outputs tell of it. */
  readonly task: Task;
}

/** Samples that tell whether a batch gives what each of them gives alone, and what the outputs mean. */
const PROBED = 3;

/** The first samples, which tell how the model takes and gives them. */
export function probe(source: SampleSource): Promise<Sample[]> {
  return Promise.all(firstIndices(Math.min(PROBED, source.count)).map((index) => source.get(index)));
}

/** How samples go through a model, and what comes out. */
export type Probed = Pick<Baseline, 'batch' | 'task'>;

/** `onProbed`: told before the samples are measured. */
export async function measureBaseline(
  prepared: PreparedModel,
  validation: Validation,
  workers: Workers,
  {
    onSample,
    onProbed,
  }: { readonly onSample: (done: number) => void; readonly onProbed?: (probed: Probed) => void },
): Promise<Baseline> {
  const { source, metric } = validation;
  const indices = firstIndices(source.count);
  const first = await probe(source);
  const batch = await batchSize(prepared, first, workers);
  const runner = await workers.open(prepared.model, { dir: prepared.dir, batch });
  try {
    const seen: Seen[] = [];
    for await (const [{ feeds, image = null }, outputs] of runner.run(first))
      seen.push({ feeds, image, outputs });
    const task = settleTask(validation.task, seen);
    checkClasses(validation, task, seen);
    onProbed?.({ batch, task });
    const reference = metric.needsReference ? await collectOutputs(runner, source, indices, onSample) : null;
    const here: MeasureSamples = async (some) => {
      const progress = validation.spread === undefined ? { onSample } : {};
      const options = { task, ...(reference === null ? progress : { reference }) };
      return (await evaluate(runner, source, some, metric, options)).states;
    };

    // What the float model is compared with is itself: nobody else has it.
    const states =
      validation.spread === undefined || reference !== null
        ? await here(indices)
        : await validation.spread.measure(
            {
              ...{
                what: 'states',
                model: prepared.model,
                session: { dir: prepared.dir },
                task,
                batch,
                indices,
              },
              ...{ reference: null, isSequel: false },
            },
            here,
            onSample,
          );

    return { value: metric.result(states), states, reference, cached: false, batch, task };
  } finally {
    await runner.release();
  }
}

/**
 * Labels that number their classes themselves (folders, a list of names) mean the model's only where there are as many.
 * Throws `classes-count`.
 */
export function checkClasses(
  { source, metric }: Pick<Validation, 'source' | 'metric'>,
  task: Task,
  [first]: readonly Seen[],
): void {
  const counted = source.classes ?? null;
  if (counted === null || first === undefined || metricFacts(metric.name)?.labels !== 'class') return;
  const outputs = mainOutput(first.outputs, { task }).dims.at(-1) ?? 0;
  // One output says yes or no.
  const classes = Math.max(2, outputs);
  if (counted === classes) return;
  fail(
    'classes-count',
    `The validation data has ${counted} classes, but the model has ${classes}: class folders are numbered in their order, which is not the model's. List the model's classes in a file and name it as data.validation.classes.`,
    { configPath: ['data', 'validation'], data: { counted, classes } },
  );
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
  const { metric, target } = validation;
  if (target !== null && (allowedDrop(validation, baseline) ?? 0) < 0) {
    const value = Number(baseline.value.toPrecision(5));
    return [
      {
        code: 'target-beyond-float',
        severity: 'warning',
        message: `The float model's ${metric.name} is ${value} and does not reach the target of ${target} itself.`,
        configPath: ['accuracy_control', 'target'],
      },
    ];
  }

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

/**
 * The largest drop that meets what is asked for, negative where the float model itself does not reach the target; null
 * where nothing is asked for.
 */
export function allowedDrop(
  { maxDrop, target, dropType, metric }: Validation,
  { value }: Pick<Baseline, 'value'>,
): number | null {
  const terms = { baseline: value, higherIsBetter: metric.higherIsBetter, dropType };
  const toTarget = target === null ? null : drop(target, terms);
  if (maxDrop === null || toTarget === null) return maxDrop ?? toTarget;
  return Math.min(maxDrop, toTarget);
}

/** 95 % confidence interval of the drop, never of width 0; null: the drop is undefined, or nothing is known of its scale. */
export function intervalOf(
  validation: Validation,
  baseline: Baseline,
  evaluation: Evaluation,
): [number, number] | null {
  const { metric, dropType } = validation;
  const interval = dropInterval(metric, baseline.states, evaluation.states, dropType);
  if (interval === null || interval[0] < interval[1]) return interval;
  // What one sample that was not drawn may come to: all of a share, else as much as was measured.
  const isShare = metricFacts(metric.name)?.share === true;
  const scale = isShare ? 1 : Math.max(Math.abs(baseline.value), Math.abs(evaluation.value));
  const unit = dropType === 'relative' ? Math.abs(baseline.value) / scale : 1 / scale;

  return Number.isFinite(unit) && unit > 0 ? unseenInterval(interval[0], baseline.states.length, unit) : null;
}
