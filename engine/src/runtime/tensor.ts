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
