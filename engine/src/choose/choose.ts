import type { Graph } from '@quantsmith/model/graph';
import { withOutputs, type ModelProto } from '@quantsmith/model/onnx';
import {
  combineChanges,
  QuantsmithError,
  settingsLeftOpen,
  type MeasuredSetting,
  type QuantizationChange,
  type QuantizationConfig,
  type QuantizationReport,
} from '@quantsmith/schemas';
import { collectForAll, type Calibration } from '../calibration/calibration.js';
import { readAhead } from '../data/source.js';
import type { Sample } from '../data/types.js';
import { plan, type Plan } from '../plan/plan.js';
import { placeModel } from '../placement/placeModel.js';
import type { PreparedModel } from '../prepare/prepare.js';
import { buildModel, sessionOptions, type Quantization } from '../quantize/quantization.js';
import { leaveRefusedInFloat } from '../quantize/refused.js';
import type { Clock } from '../progress/clock.js';
import type { Results } from '../runtime/batch.js';
import type { Workers } from '../runtime/workers.js';
import { alternativesOf, combinations, type Alternative } from './alternatives.js';
import { quantizerNoise } from './layerNoise.js';
import { outputNoise } from './outputNoise.js';

export type Choice = NonNullable<QuantizationReport['choices']>[number];

export interface ChooseInput {
  readonly config: QuantizationConfig;
  readonly float: PreparedModel;
  readonly calibration: Calibration;
  readonly workers: Workers;
  readonly stage: Clock['stage'];
  /** The float model as a plan rewrites it before quantization. */
  readonly rewrite: (planned: Plan) => Promise<PreparedModel>;
  /** `samples`: statistics that have not been collected yet come from so many samples only. */
  readonly make: (planned: Plan, samples: number) => Promise<{ readonly quantization: Quantization }>;
}

/** The settings that measurement has put in the place of what the config leaves open, and the evidence. */
export interface Chosen {
  readonly change: QuantizationChange;
  readonly choices: readonly Choice[];
}

/** Calibration samples that candidates are measured on: a tenth, within these limits. */
const SHARE = 1 / 10;
const SAMPLES = { min: 4, max: 32 };
const MIN_VALUES = 512;
/** Bytes of the float model's outputs that are kept to compare with. */
const REFERENCE_BYTES = 64 * 2 ** 20;
/** Samples for the statistics of a model that smoothing has rewritten. */
const SMOOTHED_SAMPLES = 32;
/** Samples on which the quantizers' own noise is looked at. */
const NOISE_SAMPLES = 2;
/**
 * A value replaces the documented default when it is better by so much, in dB; where the default is good already, by more:
 * what a few samples tell apart there is noise that no metric sees (MobileNetV2: 0.5 dB more, 0.8 points of top-1 less).
 */
const MARGIN = { usual: 0.05, good: { from: 20, margin: 1.5 } };
/** Float operators cost time and size: only for outputs that are worse than this in dB, and if they gain that much. */
const FLOAT = { below: 20, margin: 3 };
/** A quantizer that adds more noise than this by itself, in dB below the signal, may ruin what comes after it. */
const COLLAPSE_DB = [-5, -10, -15, -20] as const;
/** At most this share of the operators with weights goes to float, and never fewer than two. */
const FLOAT_SHARE = 0.05;

const SMOOTHING = 'advanced_parameters.smooth_quant_alphas';
const UNSMOOTHED: QuantizationChange = { advanced_parameters: { smooth_quant_alphas: { matmul: -1 } } };
const ESTIMATOR = 'advanced_parameters.activations_range_estimator_params';
/** Preset and ranges come again: with ruined layers in float, or smoothed, they may look different. */
const ORDER: readonly MeasuredSetting[] = [
  'model_type',
  'preset',
  ESTIMATOR,
  'overrides',
  'preset',
  ESTIMATOR,
  SMOOTHING,
  'preset',
  'advanced_parameters.squeeze_excitation',
];

/**
 * Chooses what the config leaves open, one setting after the other, by the error at the model's outputs on calibration
 * samples. The same config, model, data and threads give the same choices.
 */
export async function chooseSettings(input: ChooseInput): Promise<Chosen> {
  const { config, float } = input;
  const open = settingsLeftOpen(config);
  const groups = new Map([...open].map((setting) => [setting, alternativesOf(setting, float.graph)]));
  const decides = open.has('overrides') || [...groups.values()].some((group) => group.length > 1);
  const measure = decides ? await startMeasuring(input) : null;
  if (measure === null) return { change: {}, choices: [] };
  input.stage('calibrate', input.calibration.samples);
  await collectTogether(input, groups);
  input.stage('choose', null);
  const choices = new Map<MeasuredSetting, Choice>();
  // How far a transformer is smoothed is decided when the rest is.
  let change = open.has(SMOOTHING) ? UNSMOOTHED : {};
  for (const setting of ORDER.filter((each) => open.has(each))) {
    const changed = isNonEmpty(change.overrides) || isSmoothed(choices);
    if (choices.has(setting) && !changed) continue;
    const transformer = plan(config, change).placement.transformer;
    if (setting === SMOOTHING && !transformer) continue;
    if (setting === 'overrides' && ((await measure.sqnr(change)) ?? Infinity) >= FLOAT.below) continue;
    const begun = performance.now();
    const group =
      setting === 'overrides'
        ? await collapsedLayers(input, await measure.quantization(change))
        : (groups.get(setting) ?? []);

    if (group.length < 2) continue;
    const decided = await decide(setting, group, change, measure);
    change = combineChanges(change, decided.change);
    choices.set(setting, { ...decided.choice, seconds: (performance.now() - begun) / 1000 });
  }

  return { change: settled(change, choices), choices: [...choices.values()] };
}

/** Without a transformer there was nothing to smooth, and nothing to decide. */
function settled(
  change: QuantizationChange,
  choices: ReadonlyMap<MeasuredSetting, Choice>,
): QuantizationChange {
  if (choices.has(SMOOTHING) || change.advanced_parameters === undefined) return change;
  const others = Object.entries(change.advanced_parameters).filter(([key]) => key !== 'smooth_quant_alphas');
  return { ...change, advanced_parameters: Object.fromEntries(others) };
}

interface Measure {
  /** dB; null where the model cannot be made with the change. */
  readonly sqnr: (change: QuantizationChange) => Promise<number | null>;
  readonly quantization: (change: QuantizationChange) => Promise<Quantization>;
  readonly samples: number;
  readonly heldOut: boolean;
}

/** How much better than the documented default, which comes first, a value has to be. */
function marginOf(setting: MeasuredSetting, documented: number | null): number {
  if (setting === 'overrides') return FLOAT.margin;
  return documented !== null && documented >= MARGIN.good.from ? MARGIN.good.margin : MARGIN.usual;
}

async function decide(
  setting: MeasuredSetting,
  group: readonly Alternative[],
  base: QuantizationChange,
  measure: Measure,
): Promise<{ change: QuantizationChange; choice: Omit<Choice, 'seconds'> }> {
  const measured: { alternative: Alternative; sqnr: number | null }[] = [];
  for (const alternative of group) {
    const change = combineChanges(base, alternative.change);
    measured.push({ alternative, sqnr: await measure.sqnr(change) });
  }

  const margin = marginOf(setting, measured[0]?.sqnr ?? null);
  const best = measured.reduce((a, b) => ((b.sqnr ?? -Infinity) > (a.sqnr ?? -Infinity) + margin ? b : a));
  const { samples, heldOut } = measure;

  return {
    change: best.alternative.change,
    choice: {
      setting,
      value: best.alternative.value,
      sqnr_db: best.sqnr,
      samples,
      held_out: heldOut,
      over: measured
        .filter((each) => each !== best)
        .map(({ alternative, sqnr }) => ({ value: alternative.value, sqnr_db: sqnr, metric: null })),
    },
  };
}

/** null: no tensor near the outputs varies over the samples, so that nothing can be measured. */
async function startMeasuring(input: ChooseInput): Promise<Measure | null> {
  const { float, calibration, workers, config, make } = input;
  const { samples, heldOut } = await pickSamples(calibration);
  const tensors = observedTensors(float.graph);
  const references = await resultsOf(withOutputs(float.model, tensors), { dir: float.dir }, samples, workers);
  const start = outputNoise(references);
  if (start === null) return null;
  const compared = samples.slice(0, references.length);
  const memo = new Map<string, Promise<number | null>>();
  const smoothing = JSON.stringify(plan(config).smoothing);
  const quantization = async (change: QuantizationChange) => {
    const planned = plan(config, change);
    // Another smoothing makes another model, whose statistics are a pass of their own.
    const collected = planned.smoothing === null || JSON.stringify(planned.smoothing) === smoothing;
    const enough = collected ? calibration.samples : Math.min(SMOOTHED_SAMPLES, calibration.samples);
    return (await make(planned, enough)).quantization;
  };
  const measure = async (change: QuantizationChange) => {
    const made = await quantization(change).catch(unusable);
    if (made === null) return null;
    const noise = start();
    const run = (candidate: Quantization) =>
      resultsOf(
        withOutputs(buildModel(candidate, new Set()), tensors),
        sessionOptions(candidate),
        compared,
        workers,
      );
    const results = await run(made).catch(async (error: unknown) => {
      if (!(error instanceof QuantsmithError)) throw error;
      return run((await leaveRefusedInFloat(made, compared[0]!.feeds)).quantization);
    });

    for (const each of results) noise.add(each);

    return noise.sqnr();
  };

  return {
    sqnr: (change) => {
      const key = JSON.stringify(change);
      const found = memo.get(key) ?? measure(change);
      memo.set(key, found);
      return found;
    },
    quantization,
    samples: compared.length,
    heldOut,
  };
}

/** A change that leaves nothing to quantize is no candidate. */
function unusable(error: unknown): null {
  if (error instanceof QuantsmithError && error.problem.code === 'nothing-to-quantize') return null;
  throw error;
}

/** Samples beyond those of the statistics where there are some, else some of them; spread over the set. */
async function pickSamples({
  source,
  samples,
}: Calibration): Promise<{ samples: readonly Sample[]; heldOut: boolean }> {
  const { feeds } = await source.get(0);
  const values = Object.values(feeds).reduce((sum, { data }) => sum + data.length, 0);
  // Few values a sample tell little: a handful of short vectors would choose by chance.
  const least = Math.max(SAMPLES.min, Math.min(SAMPLES.max, Math.ceil(MIN_VALUES / values)));
  const wanted = Math.min(SAMPLES.max, Math.max(least, Math.ceil(samples * SHARE)));
  const beyond = source.count - samples;
  const [first, range] = beyond >= wanted ? [samples, beyond] : [0, samples];
  const count = Math.min(wanted, range);
  const indices = Array.from({ length: count }, (_, i) => first + Math.floor((i * range) / count));
  const picked: Sample[] = [];
  for await (const sample of readAhead(source, indices)) picked.push(sample);

  return { samples: picked, heldOut: first > 0 };
}

/** The model's float outputs; in front of a Softmax, which hides what happens to all but the largest value. */
function observedTensors(graph: Graph): string[] {
  const before = (tensor: string) => {
    const producer = graph.producer(tensor);
    return producer?.opType === 'Softmax' ? (producer.input[0] ?? tensor) : tensor;
  };

  const made = graph.outputs.filter((tensor) => graph.producer(tensor) !== undefined);
  return [...new Set(made.map(before))];
}

/** The results of the samples, as many of them as fit into memory. */
async function resultsOf(
  model: ModelProto,
  options: ReturnType<typeof sessionOptions>,
  samples: readonly Sample[],
  workers: Workers,
): Promise<Results[]> {
  const runner = await workers.open(model, options);
  const results: Results[] = [];
  let bytes = 0;
  try {
    for await (const [, outputs] of runner.run(samples)) {
      results.push(outputs);
      bytes += Object.values(outputs).reduce(
        (sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : 0),
        0,
      );
      if (bytes > REFERENCE_BYTES) break;
    }
  } finally {
    await runner.release();
  }

  return results;
}

/** What all combinations need of the samples, in one pass. */
async function collectTogether(
  { config, float, calibration, rewrite }: ChooseInput,
  groups: ReadonlyMap<MeasuredSetting, readonly Alternative[]>,
): Promise<void> {
  const together = [...groups].filter(([setting]) => setting !== SMOOTHING).map(([, group]) => group);
  // Without SmoothQuant a transformer has the same activations; with it, statistics are another pass.
  const unsmoothed = groups.has(SMOOTHING) ? UNSMOOTHED : {};
  const variants = new Map<
    PreparedModel,
    { placement: ReturnType<typeof place>; plan: Plan['calibration'] }[]
  >();

  for (const change of combinations(together)) {
    const planned = plan(config, combineChanges(change, unsmoothed));
    const prepared =
      planned.smoothing === null && planned.alignment === null ? float : await rewrite(planned);

    const placement = place(prepared, planned);
    if (placement === null) continue;
    const list = variants.get(prepared) ?? [];
    variants.set(prepared, [...list, { placement, plan: planned.calibration }]);
  }

  for (const [prepared, list] of variants) {
    const usable = list.flatMap(({ placement, plan: each }) =>
      placement === null ? [] : [{ placement, plan: each }],
    );

    await collectForAll(prepared, usable, calibration);
  }
}

function place(prepared: PreparedModel, planned: Plan) {
  try {
    return placeModel(prepared, planned.placement).placement;
  } catch (error) {
    return unusable(error);
  }
}

/** None, and the sets of operators around the quantizers that add most noise, each larger than the one before. */
async function collapsedLayers(
  { calibration, workers }: ChooseInput,
  quantization: Quantization,
): Promise<Alternative[]> {
  const { samples } = await pickSamples(calibration);
  const noise = await quantizerNoise(quantization, samples.slice(0, NOISE_SAMPLES), workers);
  const { prepared, placement } = quantization;
  const weighted = new Set(placement.weights.flatMap(({ targets }) => targets.map(({ node }) => node)));
  const most = Math.max(2, Math.floor(FLOAT_SHARE * weighted.size));
  const original = (name: string) =>
    (
      prepared.originals.find((node) => node.name === name) ??
      prepared.originals.find((node) => node.op !== 'Constant' && node.prepared.includes(name))
    )?.name;

  const alternatives = new Map<string, Alternative>();
  for (const limit of COLLAPSE_DB) {
    const operators = noise
      .filter(({ noiseDb }) => noiseDb > limit)
      .sort((a, b) => b.noiseDb - a.noiseDb)
      .flatMap((quantizer) => quantizer.operators);

    const names = [...new Set(operators)].slice(0, most).flatMap((name) => original(name) ?? []);
    if (names.length === 0) continue;
    const value = JSON.stringify([{ names, float: true }]);
    alternatives.set(value, { value, change: { overrides: [{ names, float: true }] } });
  }

  return [{ value: 'none', change: { overrides: [] } }, ...alternatives.values()];
}

const isNonEmpty = (list: readonly unknown[] | null | undefined): boolean => (list ?? []).length > 0;

const isSmoothed = (choices: ReadonlyMap<MeasuredSetting, Choice>): boolean =>
  choices.has(SMOOTHING) && choices.get(SMOOTHING)!.value !== 'matmul -1';
