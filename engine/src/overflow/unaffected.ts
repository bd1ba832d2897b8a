import type { QuantizationReport } from '@quantsmith/schemas';
import {
  ElementType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  intAttribute,
} from '@quantsmith/model/onnx';
import { integerKernel, isDequantize, isLinear } from '@quantsmith/model/operators';
import { isDepthwise } from './pairs.js';

/**
 * Why no sum of a layer with 8-bit weights can saturate on x86 CPUs without VNNI, whatever the weights are:
 *
 * - `depthwise`: the kernel multiplies in 16 and adds in 32 bits (onnxruntime/core/mlas/lib/qdwconv_kernelsize.cpp,
 *   lib/intrinsics/avx2/qdwconv_avx2.cpp)
 * - `unsigned`: both factors are unsigned to the kernel, which widens them first (lib/x86_64/QgemmU8U8KernelAvx2.S):
 *   unsigned weights, and weights that are the first factor
 * - `float`: no integer kernel computes it
 */
export type Unaffected = NonNullable<QuantizationReport['overflow']['layers'][number]['unaffected']>;

/** The layers of a runtime's optimized graph whose integer kernels have no sums that could saturate. */
export function unaffectedLayers({
  graph,
}: ModelProto): { readonly node: NodeProto; readonly why: Unaffected }[] {
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  return graph.node.flatMap((node) => {
    const why = ofKernel(node, constants);
    return why === null ? [] : [{ node, why }];
  });
}

/** The operators of a model that multiply with constant 8-bit weights by way of a DequantizeLinear. */
export function weightedOperators({ graph }: ModelProto): NodeProto[] {
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const weights = new Set(
    graph.node.flatMap((node) =>
      isDequantize(node.opType) && isWeight(constants.get(node.input[0]!)) ? node.output : [],
    ),
  );

  return graph.node.filter((node) => isLinear(node) && node.input.some((input) => weights.has(input)));
}

/** Kernels that make their scales at run time are left out: what is known of them is not enough. */
function ofKernel(node: NodeProto, constants: ReadonlyMap<string, TensorProto>): Unaffected | null {
  const kernel = integerKernel(node.opType)?.multiplies;
  if (kernel === undefined || (kernel.signed && !kernel.static)) return null;
  const { x, w, wZero } = kernel.ports;
  const constant = (port: number | null) =>
    port === null ? undefined : constants.get(node.input[port] ?? '');

  const [first, second] = [constant(x), constant(w)];
  if (!kernel.signed) return isWeight(second) ? 'unsigned' : null;

  // Weights as the first factor are unsigned to the kernel; then the second one's type decides.
  if (isWeight(first)) return constant(wZero)?.dataType === ElementType.UINT8 ? 'unsigned' : null;
  if (!isWeight(second)) return null;

  return unaffectedBy(node, second.dims.map(Number), second.dataType === ElementType.UINT8);
}

/** Of a layer that an integer kernel computes; null: its sums can saturate. */
export function unaffectedBy(node: NodeProto, dims: readonly number[], unsigned: boolean): Unaffected | null {
  if (node.opType.endsWith('Conv') && isDepthwise(dims, intAttribute(node, 'group', 1))) return 'depthwise';
  return unsigned ? 'unsigned' : null;
}

const isWeight = (tensor: TensorProto | undefined): tensor is TensorProto =>
  tensor !== undefined &&
  (tensor.dataType === ElementType.INT8 || tensor.dataType === ElementType.UINT8) &&
  tensor.dims.length > 1;
