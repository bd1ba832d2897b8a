import { intAttribute } from '../onnx/node.js';
import type { NodeProto } from '../onnx/onnx_pb.js';

/** How near a layer's weights come to saturating 16-bit sums of two products. */
export interface PairRisk {
  /** Pairs of weights that lie side by side in the kernel's order and whose products can leave the 16-bit range. */
  readonly pairsAtRisk: number;
  /** The largest possible sum of two products over 32767; above 1 it saturates. */
  readonly worstCase: number;
}

const LARGEST_ACTIVATION = 255;
const INT16_MAX = 32767;
const INT16_MIN = -32768;

/**
 * Static analysis of a layer for x86 CPUs without VNNI, where vpmaddubsw adds the products of two unsigned activations
 * (0…255) and two signed weights into 16 bits that saturate: a pair is at risk when 255·(a + b) leaves the range, that
 * is for a + b > 128 or < −128 (of opposite signs, the larger alone must fit, and does). Pairs are those at even
 * positions of the reduction order: channels innermost for convolutions, which the runtime computes on channels-last
 * images. Returns null for layers whose kernels do not use that instruction: grouped and depthwise convolutions.
 */
export function pairRisk(
  node: NodeProto,
  codes: ArrayLike<number>,
  dims: readonly number[],
): PairRisk | null {
  if (node.opType === 'Conv') {
    if (intAttribute(node, 'group', 1) !== 1) return null;
    const [outputs = 0, inputs = 0, ...kernel] = dims;
    const taps = kernel.reduce((product, dim) => product * dim, 1);
    const length = inputs * taps;
    return scan(outputs, length, (o, k) => codes[o * length + (k % inputs) * taps + Math.floor(k / inputs)]!);
  }
  if (node.opType !== 'Gemm' && node.opType !== 'MatMul') return null;
  const [rows = 0, columns = 0] = dims.slice(-2);
  const matrices = dims.slice(0, -2).reduce((product, dim) => product * dim, 1);
  if (intAttribute(node, 'transB', 0) === 1) return scan(rows, columns, (o, k) => codes[o * columns + k]!);
  return scan(matrices * columns, rows, (o, k) => {
    const matrix = Math.floor(o / columns);
    return codes[(matrix * rows + k) * columns + (o % columns)]!;
  });
}

function scan(outputs: number, length: number, weight: (output: number, k: number) => number): PairRisk {
  let pairsAtRisk = 0;
  let worst = 0;
  for (let o = 0; o < outputs; o++) {
    for (let k = 0; k < length; k += 2) {
      const a = weight(o, k);
      const b = k + 1 < length ? weight(o, k + 1) : 0;
      // Each activation is free in 0…255: the largest sum takes only the positive weights, the smallest the negative.
      const high = LARGEST_ACTIVATION * (Math.max(a, 0) + Math.max(b, 0));
      const low = LARGEST_ACTIVATION * (Math.min(a, 0) + Math.min(b, 0));
      if (high > INT16_MAX || low < INT16_MIN) pairsAtRisk++;
      worst = Math.max(worst, high, -low);
    }
  }
  return { pairsAtRisk, worstCase: worst / INT16_MAX };
}
