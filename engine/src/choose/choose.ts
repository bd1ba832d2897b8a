import {
  combineChanges,
  settingsLeftOpen,
  type MeasuredSetting,
  type QuantizationChange,
  type QuantizationReport,
} from '@quantsmith/schemas';
import { collectForAll, type CalibrationVariant, type SmoothingPlan } from '../calibration/calibration.js';
import { plan, type Plan } from '../plan/plan.js';
import { placeModel } from '../placement/placeModel.js';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Clock } from '../progress/clock.js';
import { alternativesOf, combinations, type Alternative } from './alternatives.js';
import { collapsedLayers } from './collapsed.js';
import { startMeasuring, unusable, type Measure, type MeasureInput } from './measure.js';

export type Choice = NonNullable<QuantizationReport['choices']>[number];

export interface ChooseInput extends MeasureInput {
  readonly stage: Clock['stage'];
  /** The float model as a plan rewrites it before quantization. */
  readonly rewrite: (planned: Plan) => Promise<PreparedModel>;
}

/** The settings that measurement has put in the place of what the config leaves open, and the evidence. */
export interface Chosen {
  readonly change: QuantizationChange;
  readonly choices: readonly Choice[];
}

/**
 * A value replaces the documented default when it is better by so much, in dB; where the default is good already, by more:
 * what a few samples tell apart there is noise that no metric sees (MobileNetV2: 0.5 dB more, 0.8 points of top-1 less).
 */
const MARGIN = { usual: 0.05, good: { from: 20, margin: 1.5 } };
/** Float operators cost time and size: only for outputs that are worse than this in dB, and if they gain that much. */
const FLOAT = { below: 20, margin: 3 };

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
    if (setting === 'overrides' && ((await measure.sqnr([change]))[0] ?? Infinity) >= FLOAT.below) continue;
    const begun = performance.now();
    const group =
      setting === 'overrides'
        ? await collapsedLayers(await measure.quantization(change), measure.samples, input.workers)
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
  const ratios = await measure.sqnr(group.map(({ change }) => combineChanges(base, change)));
  const measured = group.map((alternative, index) => ({ alternative, sqnr: ratios[index] ?? null }));
  const margin = marginOf(setting, measured[0]?.sqnr ?? null);
  const best = measured.reduce((a, b) => ((b.sqnr ?? -Infinity) > (a.sqnr ?? -Infinity) + margin ? b : a));
  const { samples, heldOut } = measure;

  return {
    change: best.alternative.change,
    choice: {
      setting,
      value: best.alternative.value,
      sqnr_db: best.sqnr,
      samples: samples.length,
      held_out: heldOut,
      over: measured
        .filter((each) => each !== best)
        .map(({ alternative, sqnr }) => ({ value: alternative.value, sqnr_db: sqnr, metric: null })),
    },
  };
}

/** What all combinations need of the samples, in one pass. */
async function collectTogether(
  { config, float, calibration, rewrite }: ChooseInput,
  groups: ReadonlyMap<MeasuredSetting, readonly Alternative[]>,
): Promise<void> {
  const smoothed = groups.has(SMOOTHING);
  const together = [...groups].filter(([setting]) => setting !== SMOOTHING).map(([, group]) => group);
  const variants = new Map<PreparedModel, CalibrationVariant[]>();
  const smoothingPlans: SmoothingPlan[] = [];

  for (const change of combinations(together)) {
    const { smoothing } = plan(config, change);
    if (smoothed && smoothing !== null) smoothingPlans.push(smoothing);
    // Without SmoothQuant a transformer has the same activations; with it, statistics are another pass.
    const planned = plan(config, smoothed ? combineChanges(change, UNSMOOTHED) : change);
    const prepared = await rewrite(planned);
    const placement = place(prepared, planned);
    if (placement === null) continue;
    const variant = { placement, plan: planned.calibration };
    variants.set(prepared, [...(variants.get(prepared) ?? []), variant]);
  }

  for (const [prepared, list] of variants) {
    await collectForAll(prepared, list, prepared === float ? smoothingPlans : [], calibration);
  }
}

function place(prepared: PreparedModel, planned: Plan) {
  try {
    return placeModel(prepared, planned.placement).placement;
  } catch (error) {
    return unusable(error);
  }
}

const isNonEmpty = (list: readonly unknown[] | null | undefined): boolean => (list ?? []).length > 0;

const isSmoothed = (choices: ReadonlyMap<MeasuredSetting, Choice>): boolean =>
  choices.has(SMOOTHING) && choices.get(SMOOTHING)!.value !== 'matmul -1';
