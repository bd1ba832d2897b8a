import { type TensorProto, makeTensor } from '@quantsmith/model/onnx';
import type { QuantizerParameters } from '../ranges/parameters.js';

/** ONNX tensor data types that the writer uses (TensorProto.DataType). */
export const DATA_TYPE = { float: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6 } as const;

export type StorageType = 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32';

/** Smallest and largest code of each storage type. */
export const STORAGE: Readonly<Record<StorageType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-2147483648, 2147483647],
};

const ARRAY = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
} as const;

export interface StoredParameters {
  readonly storage: StorageType;
  readonly bits: 8 | 16;
  readonly zeroPoint: Int32Array;
  /** Whether the quantizer's levels are all codes of the storage type. */
  readonly fillsStorage: boolean;
}

/**
 * How an activation quantizer's codes are stored. ONNX Runtime's x86 kernels want unsigned activations: signed 8-bit
 * codes are moved up by 128 together with their zero point, which represents the same values.
 */
export function storedParameters(
  parameters: QuantizerParameters,
  runtime: 'onnxruntime' | 'openvino',
): StoredParameters {
  const moved = runtime === 'onnxruntime' && parameters.storage === 'int8';
  const storage = moved ? 'uint8' : parameters.storage;
  const [lowest, highest] = STORAGE[storage];

  return {
    storage,
    bits: storage === 'int16' || storage === 'uint16' ? 16 : 8,
    zeroPoint: moved ? parameters.zeroPoint.map((code) => code + 128) : parameters.zeroPoint,
    fillsStorage: parameters.levels === highest - lowest + 1,
  };
}

/** An integer tensor of the given storage type. */
export function integerTensor(
  name: string,
  dims: readonly number[],
  storage: StorageType,
  codes: ArrayLike<number>,
): TensorProto {
  return makeTensor(name, dims, DATA_TYPE[storage], ARRAY[storage].from(codes));
}
