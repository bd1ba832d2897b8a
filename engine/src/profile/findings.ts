import { decibels, type Problem } from '@quantsmith/schemas';
import { causeText, type Collapse } from './collapse.js';
import type { TriedCure } from './explain.js';
import type { LayerProfile } from './profile.js';

/**
 * A range that cuts off more than this share of the float model's values, and with them more than this much of the signal, was
 * not made for them. Means of minima and quantiles cut off far less than a hundredth.
 */
const CLIPPED = { share: 0.05, db: 20 } as const;

/** Says so where ranges do not hold what the model gets. */
export function clippingProblems(
  layers: readonly LayerProfile[],
  samples: { readonly count: number; readonly inSample: boolean },
): Problem[] {
  const uses = new Map(layers.flatMap(({ inputs }) => inputs.map((use) => [use.tensor, use] as const)));
  const cut = [...uses.values()].filter(
    ({ clipped, clippingDb }) => clipped > CLIPPED.share && clippingDb !== null && clippingDb < CLIPPED.db,
  );

  const [worst] = cut.sort((a, b) => a.clippingDb! - b.clippingDb!);
  if (worst === undefined) return [];
  const { tensor, low, high, clipped } = worst;
  const others = cut.length === 1 ? '' : ` The same holds for ${cut.length - 1} more tensors.`;
  const where = `${samples.count} ${samples.inSample ? 'calibration' : 'held-out'} samples`;
  const why = samples.inSample
    ? 'the range estimator clips values that matter'
    : 'the calibration samples are not representative, or the range estimator clips values that matter';

  return [
    {
      code: 'calibration-clipped',
      severity: 'warning',
      message: `${(100 * clipped).toFixed(1)} % of the values of "${tensor}" on ${where} lie outside its range from ${Number(low.toPrecision(3))} to ${Number(high.toPrecision(3))}: ${why}.${others}`,
      configPath: samples.inSample
        ? ['quantization', 'advanced_parameters', 'activations_range_estimator_params']
        : ['data', 'calibration'],
      data: { tensors: cut.map((use) => use.tensor), clipped, low, high },
    },
  ];
}

/** A cure that gains less than this, in dB, is none. */
const MIN_GAIN_DB = 3;

/** Names the first layer at which the error jumps, why, and what helped against it. */
export function collapseProblem(
  collapse: Collapse,
  { outputDb, tried }: { readonly outputDb: number; readonly tried: readonly TriedCure[] },
): Problem {
  const { layer, beforeDb, afterDb } = collapse;
  const before = beforeDb === null ? 'its inputs are exact' : `SQNR ${level(beforeDb)} before it`;
  const [best] = tried.filter((cure) => cure.outputDb >= outputDb + MIN_GAIN_DB);
  const cure =
    best === undefined
      ? tried.length === 0
        ? ''
        : ` Nothing tried helps: ${tried.map(({ text }) => text).join(', ')}.`
      : ` With ${best.text} the worst output has ${level(best.outputDb)} instead of ${level(outputDb)}.`;

  return {
    code: 'layer-collapse',
    severity: 'warning',
    message: `The error jumps at ${layer.op} "${layer.name}": ${before}, ${level(afterDb)} after it. ${causeText(collapse)}${cure}`,
    data: {
      layer: layer.name,
      op: layer.op,
      beforeDb,
      afterDb,
      cause: collapse.cause.kind,
      tried: [...tried],
    },
  };
}

const level = (value: number) => (Number.isFinite(value) ? decibels(value) : 'no noise');
