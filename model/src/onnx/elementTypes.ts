import { TensorProto_DataType as ElementType } from './onnx_pb.js';

/** Types of a tensor's elements by ONNX's names: `FLOAT` is float32, `DOUBLE` float64. */
export { ElementType };

/** Whether elements of a type (a TensorProto.DataType number) are real numbers. */
export function isFloatType(type: number): boolean {
  return FLOAT_TYPES.has(type);
}

const FLOAT_TYPES: ReadonlySet<number> = new Set([
  ElementType.FLOAT,
  ElementType.FLOAT16,
  ElementType.DOUBLE,
  ElementType.BFLOAT16,
]);
