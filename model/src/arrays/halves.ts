import type { HostTensor } from './tensor.js';

/** IEEE 754 half precision bits to a number. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const LARGEST_HALF = 65504;

/** The half precision bits nearest to a number, half to even; what is too large becomes infinite. */
export function floatToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  // Half a step above the largest number is where rounding leads to infinity.
  if (size >= LARGEST_HALF + 16) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size === 0 ? 2 ** -24 : size)));
  const steps = roundHalfEven(size / 2 ** (exponent - 10));

  // A carry out of the fraction goes into the exponent, as it should.
  return sign | (steps < 1024 ? steps : ((exponent + 14) << 10) + steps);
}

function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** The numbers as halves. */
export const toHalves = (values: ArrayLike<number>): Uint16Array => Uint16Array.from(values, floatToHalf);

/** The numbers as halves where every one of them is one exactly, else null. */
export function exactHalves(values: Float32Array): Uint16Array | null {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    bits[i] = floatToHalf(values[i]!);
    if (halfToFloat(bits[i]!) !== values[i]) return null;
  }

  return bits;
}

/** The numbers as bfloat16 (the upper half of a float32) where every one of them is one exactly, else null. */
export function exactBrainFloats(values: Float32Array): Uint16Array | null {
  const words = new Uint32Array(values.slice().buffer);
  return words.every((word) => (word & 0xffff) === 0) ? Uint16Array.from(words, (word) => word >>> 16) : null;
}

/** The same tensor with halves and doubles as float32, which those who compare compute with; every other as it is. */
export function asFloat32(tensor: HostTensor): HostTensor {
  if (tensor.type === 'float64')
    return { ...tensor, type: 'float32', data: Float32Array.from(tensor.data as Float64Array) };
  if (tensor.type !== 'float16') return tensor;
  return { ...tensor, type: 'float32', data: Float32Array.from(tensor.data as Uint16Array, halfToFloat) };
}
