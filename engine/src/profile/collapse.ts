import { smallest } from '@quantsmith/schemas';
import type { LayerProfile } from './profile.js';
import type { RangeUse } from './ranges.js';

/** What is special about a layer that loses its signal. */
type Cause =
  | {
      readonly kind: 'clipped' | 'unused-range' | 'coarse-input' | 'channel-spread';
      readonly input: RangeUse;
    }
  | { readonly kind: 'weight-bits' | 'weight-spread' | 'coarse-weights' }
  | { readonly kind: 'carried' | 'operator' };

/** The first layer at which the error jumps. */
export interface Collapse {
  readonly layer: LayerProfile;
  /** SQNR of the worst of the layers in front of it; null: there are none. */
  readonly beforeDb: number | null;
  readonly afterDb: number;
  /** Whether the signal is lost there; false: it is only where most is lost. */
  readonly lost: boolean;
  readonly cause: Cause;
}

/** Behind a layer that loses its signal SQNR lies below this, and by so much below what lies in front of it, in dB. */
export const LOST_DB = 10;
const JUMP_DB = 6;
/** Beyond this the error in front of a layer does no harm: how far it lies beyond is no jump. */
const CLEAN_DB = 30;

/**
 * The first layer whose output lost its signal while its inputs had theirs; where there is none, the layer at which most is
 * lost; null: nothing was measured. `layers`: in the order of the graph.
 */
export function firstCollapse(layers: readonly LayerProfile[]): Collapse | null {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const losses = layers.flatMap((layer) => {
    if (layer.sqnrDb === null || !Number.isFinite(layer.sqnrDb)) return [];
    const levels = layer.before.flatMap((name) => byName.get(name)?.sqnrDb ?? []);
    const beforeDb = levels.length === 0 ? null : smallest(levels);
    const jump = Math.min(CLEAN_DB, beforeDb ?? CLEAN_DB) - layer.sqnrDb;
    return [{ layer, beforeDb, afterDb: layer.sqnrDb, jump }];
  });

  const loses = ({ afterDb, jump }: (typeof losses)[number]) => afterDb < LOST_DB && jump >= JUMP_DB;
  const first =
    losses.find(loses) ??
    losses.reduce<(typeof losses)[number] | null>((a, b) => (a === null || b.jump > a.jump ? b : a), null);

  if (first === null) return null;
  const { layer, beforeDb, afterDb } = first;

  return { layer, beforeDb, afterDb, lost: loses(first), cause: causeOf(layer) };
}

/** Rounding that leaves less than this is coarse, in dB. */
const COARSE_DB = 15;
/** With a channel so many times as loud as the median one, 255 codes leave that one four steps on each side. */
const WIDE_SPREAD = 32;
const CLIPPED_SHARE = 0.02;
const MUCH_CLIPPED_SHARE = 0.2;
const UNUSED_SHARE = 0.05;

/** What stands out about a layer by itself; the likelier reason first. */
function causeOf({ inputs, weights, aloneDb, sqnrDb }: LayerProfile): Cause {
  const worst = (key: 'clippingDb' | 'roundingDb') =>
    inputs.filter((input) => input[key] !== null).sort((a, b) => a[key]! - b[key]!)[0];
  const [loudest] = [...inputs].sort((a, b) => (b.channelSpread ?? 1) - (a.channelSpread ?? 1));
  const isSpread = (loudest?.channelSpread ?? 1) > WIDE_SPREAD;
  const clipped = worst('clippingDb');
  // A loud channel, of which little is cut off, is the reason and not the cut.
  const least = isSpread ? MUCH_CLIPPED_SHARE : CLIPPED_SHARE;
  if (clipped !== undefined && clipped.clipped > least && clipped.clippingDb! < COARSE_DB)
    return { kind: 'clipped', input: clipped };
  if (weights !== null && (weights.sqnrDb ?? COARSE_DB) < COARSE_DB) {
    if (weights.bits < 8) return { kind: 'weight-bits' };
    const isWide = !weights.perChannel && (weights.channelSpread ?? 1) > WIDE_SPREAD;
    return { kind: isWide ? 'weight-spread' : 'coarse-weights' };
  }

  if (loudest !== undefined && isSpread) return { kind: 'channel-spread', input: loudest };
  const coarse = worst('roundingDb');
  if (coarse !== undefined && coarse.roundingDb! < COARSE_DB)
    return { kind: coarse.used < UNUSED_SHARE ? 'unused-range' : 'coarse-input', input: coarse };
  if (weights !== null && !weights.perChannel && (weights.channelSpread ?? 1) > WIDE_SPREAD)
    return { kind: 'weight-spread' };

  return restOf({ sqnrDb, aloneDb, weights }, coarse);
}

/** Nothing is out of order: what most of the error comes from. */
function restOf(
  { sqnrDb, aloneDb, weights }: Pick<LayerProfile, 'sqnrDb' | 'aloneDb' | 'weights'>,
  coarse: RangeUse | undefined,
): Cause {
  if (aloneDb !== null && aloneDb > (sqnrDb ?? aloneDb) + JUMP_DB) return { kind: 'carried' };
  const [ofWeights, ofInput] = [weights?.sqnrDb ?? Infinity, coarse?.roundingDb ?? Infinity];
  if (Math.min(ofWeights, ofInput) > (aloneDb ?? sqnrDb ?? 0) + JUMP_DB) return { kind: 'operator' };
  if (coarse !== undefined && ofInput < ofWeights) return { kind: 'coarse-input', input: coarse };
  return { kind: (weights?.bits ?? 8) < 8 ? 'weight-bits' : 'coarse-weights' };
}

const share = (value: number) => `${(100 * value).toPrecision(3)} %`;
const number = (value: number) => String(Number(value.toPrecision(3)));

/** A cause in a sentence. */
export function causeText({ layer, cause }: Pick<Collapse, 'layer' | 'cause'>): string {
  const { weights, op } = layer;
  if ('input' in cause) {
    const { tensor, low, high, clipped, used, channelSpread } = cause.input;
    if (cause.kind === 'clipped')
      return `${share(clipped)} of its input "${tensor}" lies outside the range from ${number(low)} to ${number(high)}.`;
    if (cause.kind === 'channel-spread')
      return `One channel of its input "${tensor}" is ${number(channelSpread ?? 1)} times as large as the median one, and one scale serves all.`;
    const range = `the range from ${number(low)} to ${number(high)}`;
    return cause.kind === 'unused-range'
      ? `The values of its input "${tensor}" use ${share(used)} of ${range}.`
      : `Most of its error comes from rounding its input "${tensor}" in ${range}.`;
  }

  const bits = `${weights?.bits ?? 8} bits${weights?.perChannel === false ? ' with one scale for all channels' : ''}`;
  const texts = {
    'weight-bits': `Its weights have ${bits}.`,
    'weight-spread': `One channel of its weights is ${number(weights?.channelSpread ?? 1)} times as large as the median one, and one scale serves all.`,
    'coarse-weights': `Most of its error comes from rounding its weights to ${bits}.`,
    carried: `Its own error is small: it amplifies the error of the layers before it.`,
    operator: `Nothing about its ranges stands out: ${op} is sensitive to rounded inputs.`,
  };

  return texts[cause.kind];
}
