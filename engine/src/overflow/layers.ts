import {
  ElementType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  floatAttribute,
  intAttribute,
  isExternal,
  readFloats,
  readInt8,
  readInts,
} from '@quantsmith/model/onnx';
import { integerKernel, type KernelPorts } from '@quantsmith/model/operators';
import { convolutionRows, matrixRows, type KernelRows } from './pairs.js';

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
  /** The weights' zero points, one for each output; the kernel multiplies the codes and takes these off afterwards. */
  readonly weightZero: Int32Array;
  /** One factor for each output: what a unit of the integer sum is worth in units of the result. */
  readonly scale: Float32Array;
  /** What one unit of the integer sum is worth in real numbers, for each output. */
  readonly real: Float32Array;
  /** Name of the 32-bit bias, or of the float one of a float result. */
  readonly bias: string | null;
  /** Whether all of this is constant; else only the weights' order is known. */
  readonly constant: boolean;
  /** Null: the result is float. */
  readonly result: { readonly zeroPoint: number; readonly signed: boolean } | null;
}

/** The layers of a runtime's optimized graph whose kernels add pairs of u8·s8 products, where weights are constant. */
export function integerLayers(model: ModelProto): IntegerLayer[] {
  const constants = new Map(model.graph.initializer.map((tensor) => [tensor.name, tensor]));
  return model.graph.node.flatMap((node) => {
    const layer = integerLayer(node, constants);
    return layer === null ? [] : [layer];
  });
}

function integerLayer(node: NodeProto, constants: ReadonlyMap<string, TensorProto>): IntegerLayer | null {
  const kernel = integerKernel(node.opType)?.multiplies;
  if (kernel === undefined || !kernel.signed || intAttribute(node, 'transA', 0) !== 0) return null;
  const { kind, ports } = kernel;
  const name = (port: number | null) => (port === null ? '' : (node.input[port] ?? ''));
  const weights = constants.get(name(ports.w));
  const codes = weights?.dataType === ElementType.INT8 ? read(constants, name(ports.w), readInt8) : null;
  if (weights === undefined || codes === null) return null;
  const dims = weights.dims.map(Number);
  const group = intAttribute(node, 'group', 1);
  const rows =
    kind === 'convolution'
      ? convolutionRows(codes, dims, group)
      : matrixRows(codes, dims, intAttribute(node, 'transB', 0) === 1);

  if (rows === null) return null;

  return { node, kind, rows, dims, group, ...operands(node, ports, rows.outputs, constants) };
}

type Operands = Omit<IntegerLayer, 'node' | 'kind' | 'rows' | 'dims' | 'group'>;

/** Everything but the weights; what is not constant has values that mean nothing. */
function operands(
  node: NodeProto,
  ports: KernelPorts,
  outputs: number,
  constants: ReadonlyMap<string, TensorProto>,
): Operands {
  const name = (port: number | null) => (port === null ? '' : (node.input[port] ?? ''));
  const floats = (port: number | null) => read(constants, name(port), readFloats);
  const integers = (port: number | null) => read(constants, name(port), readInts);
  const [xScale, wScale, yScale] = [floats(ports.xScale), floats(ports.wScale), floats(ports.yScale)];
  const weightZeros = integers(ports.wZero);
  const present = [ports.xZero, ports.wZero, ports.yScale, ports.yZero].filter((port) => name(port) !== '');
  const constant = xScale !== null && wScale !== null && present.every((port) => constants.has(name(port)));
  const valueOf = (values: ArrayLike<number> | null, output: number, missing: number) =>
    values?.[values.length === 1 ? 0 : output] ?? missing;

  const alpha = Math.fround(floatAttribute(node, 'alpha', 1) * valueOf(xScale, 0, 1));
  const real = new Float32Array(outputs).map((_, output) => alpha * valueOf(wScale, output, 1));
  const isSigned = (port: number | null) => constants.get(name(port))?.dataType === ElementType.INT8;

  return {
    input: name(ports.x),
    signed: isSigned(ports.xZero),
    zeroPoint: valueOf(integers(ports.xZero), 0, 0),
    weightZero: new Int32Array(outputs).map((_, output) => valueOf(weightZeros, output, 0)),
    scale: yScale === null ? real : real.map((unit) => unit / yScale[0]!),
    real,
    bias: name(ports.bias) === '' ? null : name(ports.bias),
    constant,
    result:
      yScale === null
        ? null
        : { zeroPoint: valueOf(integers(ports.yZero), 0, 0), signed: isSigned(ports.yZero) },
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
