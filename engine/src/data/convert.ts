import { toHalves, type TensorData } from '@quantsmith/model/arrays';
import { fail, type ConfigPath } from '@quantsmith/schemas';

/** Values converted to the model's element type; throws `sample-type` where that would lose something. */
export function convertTo(
  type: string,
  values: TensorData,
  where: { readonly name: string; readonly configPath: ConfigPath },
): TensorData {
  const wrong = (fault: string): never =>
    fail('sample-type', `${where.name}: ${fault}, but the model expects ${type}.`, {
      configPath: where.configPath,
    });

  // Plain arrays hold text, or numbers where a loader did not make them typed.
  const text = Array.isArray(values) && typeof values[0] === 'string';
  if (text) return type === 'string' ? (values as string[]) : wrong('the values are text');
  const numbers = values as unknown as Float32Array | BigInt64Array;
  switch (type) {
    case 'float32':
      if (numbers instanceof Float32Array) return numbers;
      return Float32Array.from(numbers as ArrayLike<number | bigint> as Float32Array, Number);
    case 'float16':
      return toHalves(Float32Array.from(numbers as ArrayLike<number | bigint> as Float32Array, Number));
    case 'float64':
      return Float64Array.from(numbers as ArrayLike<number | bigint> as Float32Array, Number);
    case 'int64': {
      if (numbers instanceof BigInt64Array) return numbers;
      if (isFractional(numbers)) return wrong('the values are fractional');
      return BigInt64Array.from(Array.from(numbers, BigInt));
    }

    default: {
      const target = INTEGER_ARRAYS[type];
      if (target === undefined) return wrong('this element type is not supported as input data');
      if (isFractional(numbers)) return wrong('the values are fractional');
      return target.from(Array.from(numbers as ArrayLike<number | bigint>, Number));
    }
  }
}

const INTEGER_ARRAYS: Readonly<Record<string, { from: (values: number[]) => TensorData }>> = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
};

function isFractional(values: ArrayLike<number | bigint>): boolean {
  if (!(values instanceof Float32Array) && !(values instanceof Float64Array)) return false;
  return values.some((value) => !Number.isInteger(value));
}
