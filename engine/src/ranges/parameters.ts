import type { QuantizerConfig } from '../placement/types.js';
import { fail } from '@quantsmith/schemas';

/** A range of real values, per channel or one entry. In symmetric mode `max` is the largest absolute value. */
export interface Range {
  readonly min: Float32Array;
  readonly max: Float32Array;
}

type Storage = 'int8' | 'uint8' | 'int16' | 'uint16';

/** Everything that defines a quantizer. x ↦ scale·(code − zeroPoint); one entry per channel, or one. */
export interface QuantizerParameters {
  readonly low: Float32Array;
  readonly high: Float32Array;
  readonly levels: number;
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
  readonly signed: boolean;
  readonly numBits: number;
  readonly storage: Storage;
  /** Smallest and largest code used. */
  readonly codeLow: number;
  readonly codeHigh: number;
}

export interface ParameterOptions {
  readonly group: 'activations' | 'weights';
  /** Weights in half of the 8-bit range (overflow fix). */
  readonly halfRange: boolean;
  /** Ranges keep their width however narrow they are, but for empty ones; else they have at least NNCF's. */
  readonly anyWidth?: boolean;
}

/**
 * Smallest scale: the spacing of float32 at 1 (FLT_EPSILON, as in NNCF). Of any width: the product of two is a normal number
 * still, which the runtime's kernels multiply sums with.
 */
const SMALLEST_SCALE = { nncf: 1.1920929e-7, anyWidth: 1e-18 };
/** A range is at least this share of the widest channel's, and at least this wide (NNCF's floor). */
const RANGE_FLOOR = { relative: 0.01, absolute: 8e-5 };
const ASYMMETRIC_FLOOR = 8e-4;

const f32 = Math.fround;

/** Doubles that large have no fraction: what is added to it is rounded to an integer, half to even. */
const WITHOUT_FRACTION = 1.5 * 2 ** 52;

/** Rounds half to even, as ONNX QuantizeLinear does. */
export function roundHalfEven(x: number): number {
  if (Math.abs(x) < 2 ** 51) return x + WITHOUT_FRACTION - WITHOUT_FRACTION;
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * Scale, zero point and borders of a quantizer from a range. Formulas: NNCF's `calculate_quantizer_parameters`
 * (symmetric: borders ±max with one level less when narrow; asymmetric: borders moved so that zero is a level; half
 * range: borders of a quantizer with one bit less, widened to the export levels). Scales are float32.
 * Throws `range-not-finite` and `half-range-asymmetric`.
 */
export function quantizerParameters(
  range: Range,
  config: QuantizerConfig,
  options: ParameterOptions,
): QuantizerParameters {
  checkRange(range);
  if (options.halfRange && (config.mode === 'asymmetric' || options.group === 'activations')) {
    fail('half-range-asymmetric', 'Half of the range (overflow_fix) is only defined for symmetric weights.', {
      configPath: ['quantization', 'advanced_parameters', 'overflow_fix'],
    });
  }

  return config.mode === 'symmetric' ? symmetric(range, config, options) : asymmetric(range, config, options);
}

function checkRange({ min, max }: Range): void {
  for (let channel = 0; channel < max.length; channel++) {
    if (!Number.isFinite(min[channel]!) || !Number.isFinite(max[channel]!)) {
      fail('range-not-finite', `The range [${min[channel]}, ${max[channel]}] of a tensor is not finite.`, {
        data: { channel: channel },
      });
    }
  }
}

/** Borders ±max. Unsigned when no value is negative and no sign is forced. */
function symmetric(range: Range, config: QuantizerConfig, options: ParameterOptions): QuantizerParameters {
  const widest = range.max.reduce((a, b) => Math.max(a, b), 0);
  const least = options.anyWidth === true && widest > 0 ? 0 : RANGE_FLOOR.absolute;
  const floor = f32(Math.max(f32(RANGE_FLOOR.relative * widest), least));
  const reach = range.max.map((max) => Math.max(max, floor));
  const signed =
    options.group === 'weights'
      ? config.signednessToForce !== false
      : (config.signednessToForce ?? range.min.some((x) => x < 0));

  const exported = 2 ** config.numBits - (config.narrowRange ? 1 : 0);
  const smallest = smallestScale(options);
  if (options.halfRange) return halfRange(reach, config, exported, smallest);
  const low = signed
    ? config.narrowRange
      ? reach.map((x) => -x)
      : reach.map((x) => f32((-x * exported) / (exported - 2)))
    : new Float32Array(reach.length);

  return fromBorders(low, reach, exported, signed, config, { smallest });
}

/**
 * Codes within [−2^(b−2), 2^(b−2)]: the borders of a (b−1)-bit quantizer, widened by (levels − 1)/(2^(b−1) − 1) to the
 * exported levels. Non-narrow ranges keep the zero point 0 (NNCF's formula leads to 1 there).
 */
function halfRange(
  reach: Float32Array,
  config: QuantizerConfig,
  exported: number,
  smallest: number,
): QuantizerParameters {
  const inner = 2 ** (config.numBits - 1);
  const factor = (exported - 1) / (inner - 1);
  const high = reach.map((x) => f32(x * factor));
  const low = config.narrowRange
    ? high.map((x) => -x)
    : reach.map((x) => f32(f32((-x * inner) / (inner - 2)) * factor));

  return fromBorders(low, high, exported, true, config, { zeroCentred: true, smallest });
}

const smallestScale = ({ anyWidth }: ParameterOptions): number =>
  anyWidth === true ? SMALLEST_SCALE.anyWidth : SMALLEST_SCALE.nncf;

/** Borders moved so that zero is exactly a level, towards the wider of the two possibilities. */
function asymmetric(range: Range, config: QuantizerConfig, options: ParameterOptions): QuantizerParameters {
  const low = new Float32Array(range.min.length);
  const high = new Float32Array(range.min.length);
  for (let channel = 0; channel < low.length; channel++) {
    const narrow =
      range.max[channel]! - range.min[channel]! <= (options.anyWidth === true ? 0 : ASYMMETRIC_FLOOR);
    const correction = narrow ? ASYMMETRIC_FLOOR : 0;
    const wide = alignZero(
      f32(Math.min(range.min[channel]! - correction, 0)),
      f32(Math.max(range.max[channel]! + correction, 0)),
      config.numBits,
    );

    low[channel] = wide.low;
    high[channel] = wide.high;
  }

  const levels = 2 ** config.numBits - (config.narrowRange ? 1 : 0);
  // Weights are always stored signed; activations only when a border is negative and nothing forces a sign.
  const signed =
    options.group === 'weights'
      ? config.signednessToForce !== false
      : (config.signednessToForce ?? low.some((x) => x < 0));

  return fromBorders(low, high, levels, signed, config, { smallest: smallestScale(options) });
}

/** The range of `numBits` levels, containing [low, high], in which zero is a level; neither border shrinks. */
export function alignZero(low: number, high: number, numBits: number): { low: number; high: number } {
  const top = 2 ** numBits - 1;
  if (high - low === 0) return { low, high };
  const code = roundHalfEven((-low * top) / (high - low));
  const left = code < top ? f32((code / (code - top)) * high) : low;
  const right = code > 0 ? f32(((code - top) / code) * low) : high;
  return high - left > right - low ? { low: left, high } : { low, high: right };
}

/** Scale and zero point of `levels` codes between the borders; the lower border falls on the lowest code. */
export function fromBorders(
  low: Float32Array,
  high: Float32Array,
  levels: number,
  signed: boolean,
  config: QuantizerConfig,
  { zeroCentred = false, smallest = SMALLEST_SCALE.nncf }: { zeroCentred?: boolean; smallest?: number } = {},
): QuantizerParameters {
  const { numBits } = config;
  const bottom = signed ? -(2 ** (numBits - 1)) : 0;
  const codeHigh = bottom + 2 ** numBits - 1;
  const codeLow = config.narrowRange ? bottom + 1 : bottom;
  const scale = new Float32Array(low.length);
  const zeroPoint = new Int32Array(low.length);
  for (let channel = 0; channel < low.length; channel++) {
    const step = f32(f32(high[channel]! - low[channel]!) / (levels - 1));
    scale[channel] = Math.abs(step) < smallest ? smallest : step;
    const zero = codeLow - roundHalfEven(f32(low[channel]! / scale[channel]!));
    zeroPoint[channel] = zeroCentred ? 0 : Math.max(bottom, Math.min(codeHigh, zero));
  }

  const wide = numBits > 8;
  const storage: Storage = signed ? (wide ? 'int16' : 'int8') : wide ? 'uint16' : 'uint8';

  return { low, high, levels, scale, zeroPoint, signed, numBits, storage, codeLow, codeHigh };
}
