/** A tensor in JavaScript memory, in the runtime's own terms: `type` names the element type, `data` fits it. */
export interface HostTensor {
  readonly type: TensorTypeName;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

export type TensorTypeName =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool'
  | 'string';

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | readonly string[];

/** The arrays that hold numbers of an element type; float16 as their bits. */
export const TYPED_ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

/**
 * Whether no value is NaN or infinite: float32 values cannot overflow a double's sum (float64 ones near the largest
 * double could). Four sums, since each addition would wait for the one before.
 */
export function allFinite(values: Float32Array | Float64Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const unrolled = values.length - (values.length % 4);
  for (let i = 0; i < unrolled; i += 4) {
    a += values[i]!;
    b += values[i + 1]!;
    c += values[i + 2]!;
    d += values[i + 3]!;
  }

  for (let i = unrolled; i < values.length; i++) a += values[i]!;

  return Number.isFinite(a + b + c + d);
}
