import type { Graph } from '@quantsmith/model/graph';
import {
  combineChanges,
  settingsLeftOpen,
  type InstructionSet,
  type MeasuredSetting,
  type QuantizationChange,
  type QuantizationReport,
} from '@quantsmith/schemas';
import {
  collectForAll,
  neededByAll,
  type CalibrationVariant,
  type Needed,
  type SmoothingPlan,
} from '../calibration/calibration.js';
import { plan, type Plan } from '../plan/plan.js';
import { isEmpty, placeModel } from '../placement/placeModel.js';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Clock } from '../progress/clock.js';
import { alternativesOf, combinations, hasAttention, type Alternative } from './alternatives.js';
import { collapsedLayers, NO_OVERRIDES } from './collapsed.js';
import { bestOf, tellsNothing } from './decide.js';
import { frontEnd } from './frontEnd.js';
import { candidateKey, startMeasuring, unusable, type Measure, type MeasureInput } from './measure.js';
import { isHandful } from './samples.js';
import { bringing, SMOOTHED, WHOLE, type Candidates, type Groups, type Values } from './together.js';

export type Choice = NonNullable<QuantizationReport['choices']>[number];

export interface ChooseInput extends MeasureInput {
  /** This machine's instruction sets. */
  readonly isa: readonly InstructionSet[];
  readonly stage: Clock['stage'];
  /** The float model as a plan rewrites it before quantization. */
  readonly rewrite: (planned: Plan) => Promise<PreparedModel>;
  /** Graphs of the bodies of If, Loop and Scan that are quantized. */
  readonly bodies: () => Promise<readonly Graph[]>;
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
const MARGIN = { usual: 0.05, good: { from: 20, margin: 0.5 } };
/**
 * Averages of the samples' extremes cut the largest values of rare samples, of which a few samples tell little: they replace the
 * whole range if they gain so much, in dB.
 */
const CUT_MARGIN = 1;
/**
 * SmoothQuant makes all channels as large as the samples show. Of a handful, on which it is measured, too, others go beyond: on 18
 * small graphs with 16 samples up to 3.7 dB more on these were up to 17.9 less on unseen ones; with 32 or 64 none lost.
 */
const FEW_SAMPLES_MARGIN = 4;
/** Float operators cost time and size: only for outputs that are worse than this in dB, and if they gain that much. */
const FLOAT = { below: 20, margin: 3 };

const SMOOTHING = 'advanced_parameters.smooth_quant_alphas';
const UNSMOOTHED: QuantizationChange = { advanced_parameters: { smooth_quant_alphas: { matmul: -1 } } };
const SQUEEZE = 'advanced_parameters.squeeze_excitation';
const ESTIMATOR = 'advanced_parameters.activations_range_estimator_params';
const TAILS = 'advanced_parameters.activation_tails';
/**
 * A setting comes again after those that may change its evidence: under ruinous ranges presets look alike, and with ruined
 * layers in float, or smoothed, both may look different. It is decided again only where something has changed.
 */
const ORDER: readonly MeasuredSetting[] = [
  'model_type',
  ESTIMATOR,
  'preset',
  ESTIMATOR,
  TAILS,
  'overrides',
  'preset',
  ESTIMATOR,
  TAILS,
  SMOOTHING,
  'preset',
  SQUEEZE,
];

/**
 * Chooses what the config leaves open, one setting after the other, by the error at the model's outputs on calibration
 * samples. The same config, model, data and threads give the same choices.
 */
export async function chooseSettings(input: ChooseInput): Promise<Chosen> {
  const { config } = input;
  const isTailOpen = settingsLeftOpen(config).has(TAILS);
  const { open, groups, decides } = leftOpen(input, isTailOpen ? await input.bodies() : []);
  if (!decides) return { change: {}, choices: [] };
  const baselines = baselinesOf(groups);
  const started = await startTelling(input, groups, baselines);
  if (started === null) return { change: {}, choices: [] };
  let { measure } = started;
  const choices = new Map<MeasuredSetting, Choice>();
  const decidedUnder = new Map<MeasuredSetting, string>();
  // How far a transformer is smoothed is decided when the rest is; presets differ less where tails waste most of an asymmetric range.
  let change = combineChanges(open.has(SMOOTHING) ? UNSMOOTHED : {}, groups.get(TAILS)?.[0]?.change ?? {});
  for (const setting of ORDER.filter((candidate) => open.has(candidate))) {
    if (setting === SMOOTHING && !canSmooth(config, change, groups)) continue;
    // Without attention a model is a transformer for what it gains by being smoothed, if at all.
    if (setting === 'model_type' && !hasAttention(input.float.graph)) continue;
    if (setting === 'overrides' && ((await measure.scores([change]))[0]?.mean ?? Infinity) >= FLOAT.below)
      continue;
    const begun = performance.now();
    const { group, along } = await candidates(setting, { input, groups, change, choices, measure });
    if (group.length < 2) continue;
    const others = candidateKey(plan(config, combineChanges(change, group[0]!.change)));
    if (decidedUnder.get(setting) === others) continue;
    decidedUnder.set(setting, others);
    const decided = await decideInTurn(setting, group, change, measure);
    change = combineChanges(change, decided.change);
    const choice = { ...decided.choice, seconds: (performance.now() - begun) / 1000 };
    choices.set(setting, choice);
    correct(choices, along[choice.value] ?? {}, choice, groups);
    if (setting === 'overrides') measure = await nowTelling(started, change);
  }

  const chosen = { change: settled(change, choices), choices: [...choices.values()] };

  return notBelow(baselines, chosen, groups, measure);
}

/** What is worth a measurement for a setting as far as the others are decided. */
async function candidates(
  setting: MeasuredSetting,
  { input, groups, change, choices, measure }: Deciding,
): Promise<Candidates> {
  const group = groups.get(setting) ?? [];
  if (setting === 'overrides') {
    const quantization = await measure.quantization(change);
    const collapsed = await collapsedLayers(quantization, measure.samples, input.workers);
    const front = frontEnd(quantization).filter(({ value }) => collapsed.every((set) => set.value !== value));
    return { group: [...collapsed, ...front], along: {} };
  }

  if (setting === SMOOTHING) return bringing(group, SMOOTHED, group.slice(1), groups);
  const valueOf = (other: MeasuredSetting) => choices.get(other)?.value;
  const isAveraged = setting === ESTIMATOR && (valueOf(ESTIMATOR) ?? 'minmax') !== 'minmax';
  if (isAveraged && valueOf('preset') === 'performance')
    return bringing(group, WHOLE, group.slice(0, 1), groups);

  return { group, along: {} };
}

interface Deciding {
  readonly input: ChooseInput;
  readonly groups: Groups;
  readonly change: QuantizationChange;
  readonly choices: ReadonlyMap<MeasuredSetting, Choice>;
  readonly measure: Measure;
}

/** Whether the model is a transformer as decided so far, or may still become one by what smoothing it gains. */
const canSmooth = (config: ChooseInput['config'], change: QuantizationChange, groups: Groups) =>
  plan(config, change).placement.transformer || (groups.get('model_type') ?? []).length > 1;

/** Puts values that a choice brings along in the place of those that were decided, or beside them where none was. */
function correct(
  choices: Map<MeasuredSetting, Choice>,
  values: Values,
  { over, ...taken }: Choice,
  groups: Groups,
) {
  for (const [setting, [first]] of groups) {
    const value = values[setting];
    if (value === undefined) continue;
    const decided = choices.get(setting);
    const before = over[0] === undefined || first === undefined ? [] : [{ ...over[0], value: first.value }];
    choices.set(
      setting,
      decided === undefined
        ? { ...taken, setting, value, over: before, seconds: 0 }
        : withValue(decided, value),
    );
  }
}

/** The settings that a config leaves open, with the values that are tried. */
function leftOpen({ config, float }: Pick<ChooseInput, 'config' | 'float'>, bodies: readonly Graph[] = []) {
  const open = new Set(settingsLeftOpen(config));
  if (config.quantization?.optimize_for === 'integer') open.delete(SQUEEZE);
  const groups = new Map([...open].map((setting) => [setting, alternativesOf(setting, float.graph, bodies)]));
  const decides = open.has('overrides') || [...groups.values()].some((group) => group.length > 1);

  return { open, groups, decides };
}

/** Settings by which a choice is judged: what it is worth as a whole. */
interface Baseline {
  readonly change: QuantizationChange;
  readonly values: Values;
}

/** The documented defaults, and these with the whole ranges of the activations. */
function baselinesOf(groups: Groups): Baseline[] {
  const minmax = groups.get(ESTIMATOR)?.find(({ value }) => value === 'minmax');
  const values = { [ESTIMATOR]: 'mean_minmax', [TAILS]: 'whole' };
  const documented: Baseline = { change: {}, values };
  if (minmax === undefined) return [documented];

  return [documented, { change: minmax.change, values: { ...values, [ESTIMATOR]: minmax.value } }];
}

/** What decides, and the same at the outputs, where it is along the layers because the outputs do not tell yet. */
interface Telling {
  readonly measure: Measure;
  readonly atOutputs: Measure;
}

/** Measures at the outputs, or along the layers where the baselines' outputs cannot be told apart. null: nothing varies. */
async function startTelling(
  input: ChooseInput,
  groups: Groups,
  baselines: readonly Baseline[],
): Promise<Telling | null> {
  const first = (await startMeasuring(input, 'outputs')) ?? (await startMeasuring(input, 'layers'));
  if (first === null) return null;
  input.stage('calibrate', input.calibration.samples);
  await collectTogether(input, groups);
  input.stage('choose', null);
  const scores = await first.scores(baselines.map(({ change }) => change));

  const measure = tellsNothing(scores) ? ((await startMeasuring(input, 'layers')) ?? first) : first;

  return { measure, atOutputs: first };
}

/** The outputs, once they tell: with ruined layers in float they are what counts. */
async function nowTelling({ measure, atOutputs }: Telling, change: QuantizationChange): Promise<Measure> {
  return measure === atOutputs || tellsNothing(await atOutputs.scores([change])) ? measure : atOutputs;
}

/**
 * What was chosen step by step, unless a baseline is better as a whole: then that. Each step keeps every output within the
 * tolerance of the best candidate, but several steps may add up.
 */
async function notBelow(
  baselines: readonly Baseline[],
  chosen: Chosen,
  groups: Groups,
  measure: Measure,
): Promise<Chosen> {
  const scores = await measure.scores([chosen.change, ...baselines.map(({ change }) => change)]);
  const better = baselines[bestOf(scores, MARGIN.good.margin) - 1];
  if (better === undefined) return chosen;
  const first = (setting: MeasuredSetting) => groups.get(setting)?.[0]?.value ?? NO_OVERRIDES.value;
  const choices = chosen.choices.map((choice) => {
    const setting = choice.setting as MeasuredSetting;
    return withValue(choice, better.values[setting] ?? first(setting));
  });

  return { change: better.change, choices };
}

/** The choice with one of the values that it was made over in its place. */
function withValue(choice: Choice, value: string): Choice {
  const taken = choice.over.find((other) => other.value === value);
  if (taken === undefined) return { ...choice, value };
  const { sqnr_db, outputs_db = [] } = taken;
  const before = {
    value: choice.value,
    sqnr_db: choice.sqnr_db,
    outputs_db: choice.outputs_db ?? [],
    metric: null,
  };

  return {
    ...{ ...choice, value, sqnr_db, outputs_db },
    over: [before, ...choice.over.filter((other) => other !== taken)],
  };
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

/** How much better than the first a value has to be. */
function marginOf(setting: MeasuredSetting, documented: number | null, measure: Measure): number {
  if (setting === 'overrides') return FLOAT.margin;
  const ownSamples = measure.coversCalibration && isHandful(measure.samples);
  if (setting === SMOOTHING && ownSamples) return FEW_SAMPLES_MARGIN;
  if (setting === ESTIMATOR) return CUT_MARGIN;
  return documented !== null && documented >= MARGIN.good.from ? MARGIN.good.margin : MARGIN.usual;
}

/** Settings whose other values are looked at only where one of them is better than the first. */
const IN_TURN: ReadonlySet<MeasuredSetting> = new Set([ESTIMATOR, SMOOTHING, 'overrides']);

/** As `decide`, but ends early where the most promising other values (of floats, the last two) are no better than the first. */
async function decideInTurn(...[setting, group, base, measure]: Parameters<typeof decide>) {
  const [first, ...others] = group;
  const promising = setting === 'overrides' ? others.slice(-2) : others.slice(0, 1);
  if (!IN_TURN.has(setting) || promising.length === 0) return decide(setting, group, base, measure);
  const decided = await decide(setting, [first!, ...promising], base, measure);

  return decided.choice.value === first!.value ? decided : decide(setting, group, base, measure);
}

async function decide(
  setting: MeasuredSetting,
  group: readonly Alternative[],
  base: QuantizationChange,
  measure: Measure,
): Promise<{ change: QuantizationChange; choice: Omit<Choice, 'seconds'> }> {
  const scores = await measure.scores(group.map(({ change }) => combineChanges(base, change)));
  const enough = setting === 'overrides' ? FLOAT.below : undefined;
  const best = bestOf(scores, marginOf(setting, scores[0]?.mean ?? null, measure), enough);
  // Tails that change nothing, as with symmetric ranges, stay whole: a preset that is looked at again may gain by that.
  const isSame = setting === TAILS && scores.every((score) => score?.mean === scores[0]?.mean);
  const index = isSame ? group.length - 1 : best;
  const { samples, heldOut } = measure;
  const measured = group.map(({ value }, i) => ({
    value,
    sqnr_db: scores[i]?.mean ?? null,
    outputs_db: [...(scores[i]?.outputs ?? [])],
  }));

  return {
    change: group[index]!.change,
    choice: {
      ...{ setting, ...measured[index]!, samples: samples.length, held_out: heldOut },
      over: measured.filter((_, i) => i !== index).map((other) => ({ ...other, metric: null })),
    },
  };
}

/** What all combinations need of the samples, in one pass. */
async function collectTogether(input: ChooseInput, groups: Groups): Promise<void> {
  const { float, calibration } = input;
  const { variants, smoothingPlans } = await variantsOf(input, groups);
  for (const [prepared, list] of variants) {
    const needed = neededByAll(prepared, list, prepared === float ? smoothingPlans : []);
    await collectForAll(prepared, needed, calibration);
  }
}

/** What a config needs of the float model itself, whatever is chosen; null: it rewrites the model first, or quantizes nothing. */
export async function neededOfFloat(
  input: Pick<ChooseInput, 'config' | 'float' | 'isa'>,
): Promise<Needed | null> {
  const { config, float } = input;
  const { groups, decides } = leftOpen(input);
  const { smoothing, alignment } = plan(config);
  if (alignment !== null || (smoothing !== null && !groups.has(SMOOTHING))) return null;
  const rewrite = () => Promise.resolve(float);
  const { variants, smoothingPlans } = await variantsOf({ ...input, rewrite }, decides ? groups : new Map());
  const list = variants.get(float);

  return list === undefined ? null : neededByAll(float, list, smoothingPlans);
}

async function variantsOf(
  { config, rewrite, isa }: Pick<ChooseInput, 'config' | 'rewrite' | 'isa'>,
  groups: Groups,
) {
  const smoothed = groups.has(SMOOTHING);
  // What is cut of a range is no matter of statistics.
  const collected = [...groups].filter(([setting]) => setting !== SMOOTHING && setting !== TAILS);
  const together = collected.map(([, group]) => group);
  const variants = new Map<PreparedModel, CalibrationVariant[]>();
  const smoothingPlans: SmoothingPlan[] = [];

  for (const change of combinations(together)) {
    const { smoothing } = plan(config, change);
    if (smoothed && smoothing !== null) smoothingPlans.push(smoothing);
    // Without SmoothQuant a transformer has the same activations; with it, statistics are another pass.
    const planned = plan(config, smoothed ? combineChanges(change, UNSMOOTHED) : change);
    const prepared = await rewrite(planned);
    const placement = place(prepared, planned, isa);
    if (placement === null) continue;
    const variant = { placement, plan: planned.calibration };
    variants.set(prepared, [...(variants.get(prepared) ?? []), variant]);
  }

  return { variants, smoothingPlans };
}

function place(prepared: PreparedModel, planned: Plan, isa: readonly InstructionSet[]) {
  try {
    const { placement } = placeModel(prepared, planned.placement, isa);
    return isEmpty(placement) ? null : placement;
  } catch (error) {
    return unusable(error);
  }
}
