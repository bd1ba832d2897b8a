import { floatAttribute, intAttribute } from '../onnx/node.js';
import type { ModelProto, NodeProto, TensorProto } from '../onnx/onnx_pb.js';
import { isExternal, readFloats, readInt8, readInts } from '../onnx/tensor.js';
import { convolutionRows, matrixRows, type KernelRows } from './pairs.js';

const INT8 = 3;

/**
 * A node of the runtime's optimized graph that multiplies 8-bit activations and constant signed 8-bit weights in a
 * kernel that adds pairs of products: everything that decides its integer result.
 */
export interface IntegerLayer {
  readonly node: NodeProto;
  readonly kind: 'convolution' | 'matrix';
  readonly rows: KernelRows;
  readonly dims: readonly number[];
  readonly group: number;
  /** The activations' tensor, and whether they are signed (the kernels then add 128 to them). */
  readonly input: string;
  readonly signed: boolean;
  /** The activations' zero point in their own type. */
  readonly zeroPoint: number;
  /** One factor for each output: what a unit of the integer sum is worth in units of the result. */
  readonly scale: Float32Array;
  /** What one unit of the integer sum is worth in real numbers, for each output. */
  readonly real: Float32Array;
  /** Name of the 32-bit bias, or of the float one of a float result. */
  readonly bias: string | null;
  /** Null: the result is float. */
  readonly result: { readonly zeroPoint: number; readonly signed: boolean } | null;
}

interface Ports {
  readonly x: number;
  readonly xScale: number;
  readonly xZero: number;
  readonly w: number;
  readonly wScale: number;
  readonly wZero: number;
  readonly yScale: number | null;
  readonly yZero: number | null;
  readonly bias: number | null;
}

/** Where each kernel has its operands. */
const PORTS: Readonly<Record<string, Ports>> = {
  QLinearConv: { x: 0, xScale: 1, xZero: 2, w: 3, wScale: 4, wZero: 5, yScale: 6, yZero: 7, bias: 8 },
  QLinearMatMul: { x: 0, xScale: 1, xZero: 2, w: 3, wScale: 4, wZero: 5, yScale: 6, yZero: 7, bias: null },
  QGemm: { x: 0, xScale: 1, xZero: 2, w: 3, wScale: 4, wZero: 5, bias: 6, yScale: 7, yZero: 8 },
  MatMulIntegerToFloat: {
    ...{ x: 0, w: 1, xScale: 2, wScale: 3, xZero: 4, wZero: 5, bias: 6, yScale: null, yZero: null },
  },
};

/** The layers of a runtime's optimized graph whose kernels add pairs of u8·s8 products, where weights are constant. */
export function integerLayers(model: ModelProto): IntegerLayer[] {
  const constants = new Map(model.graph!.initializer.map((tensor) => [tensor.name, tensor]));
  return model.graph!.node.flatMap((node) => {
    const layer = integerLayer(node, constants);
    return layer === null ? [] : [layer];
  });
}

function integerLayer(node: NodeProto, constants: ReadonlyMap<string, TensorProto>): IntegerLayer | null {
  const ports = PORTS[node.opType];
  if (ports === undefined || intAttribute(node, 'transA', 0) !== 0) return null;
  const name = (port: number | null) => (port === null ? '' : (node.input[port] ?? ''));
  const floats = (port: number | null) => read(constants, name(port), readFloats);
  const weights = constants.get(name(ports.w));
  const codes = weights?.dataType === INT8 ? read(constants, name(ports.w), readInt8) : null;
  const xScale = floats(ports.xScale);
  const wScale = floats(ports.wScale);
  if (weights === undefined || codes === null || xScale === null || wScale === null) return null;
  const dims = weights.dims.map(Number);
  const group = intAttribute(node, 'group', 1);
  const convolution = node.opType === 'QLinearConv';
  const rows = convolution
    ? convolutionRows(codes, dims, group)
    : matrixRows(codes, dims, intAttribute(node, 'transB', 0) === 1);
  if (rows === null) return null;
  const yScale = name(ports.yScale) === '' ? null : floats(ports.yScale);
  if (yScale === null && name(ports.yScale) !== '') return null;
  const real = new Float32Array(rows.outputs).map(
    (_, o) =>
      Math.fround(floatAttribute(node, 'alpha', 1) * xScale[0]!) * wScale[wScale.length === 1 ? 0 : o]!,
  );
  const zero = constants.get(name(ports.xZero));
  const resultZero = constants.get(name(ports.yZero));
  return {
    node,
    kind: convolution ? 'convolution' : 'matrix',
    rows,
    dims,
    group,
    input: name(ports.x),
    signed: zero?.dataType === INT8,
    zeroPoint: read(constants, name(ports.xZero), readInts)?.[0] ?? 0,
    scale: yScale === null ? real : real.map((unit) => unit / yScale[0]!),
    real,
    bias: name(ports.bias) === '' ? null : name(ports.bias),
    result:
      yScale === null
        ? null
        : {
            zeroPoint: read(constants, name(ports.yZero), readInts)?.[0] ?? 0,
            signed: resultZero?.dataType === INT8,
          },
  };
}

function read<T>(
  constants: ReadonlyMap<string, TensorProto>,
  name: string,
  reader: (tensor: TensorProto, dir: string) => T,
): T | null {
  const tensor = constants.get(name);
  return tensor === undefined || isExternal(tensor) ? null : reader(tensor, '');
}
