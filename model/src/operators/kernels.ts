import { tableOf } from '@quantsmith/schemas';
import type { NodeProto } from '../onnx/onnx_pb.js';

/** Where an integer kernel has its operands: input indices; null: it has no such input. */
export interface KernelPorts {
  readonly x: number;
  readonly xScale: number | null;
  readonly xZero: number | null;
  readonly w: number;
  readonly wScale: number | null;
  readonly wZero: number | null;
  readonly yScale: number | null;
  readonly yZero: number | null;
  readonly bias: number | null;
}

/** An operator of the runtime's own graph that computes on 8-bit values. */
export interface IntegerKernel {
  /** What it gives: 8-bit codes, or float numbers (or 32-bit sums that become such); `givesCodes` also looks at the node. */
  readonly gives: 'codes' | 'float';
  /** Set where it multiplies activations by weights. */
  readonly multiplies?: {
    readonly kind: 'convolution' | 'matrix';
    readonly ports: KernelPorts;
    /** Whether signed weights are possible, whose products are added in pairs; else all weights are unsigned. */
    readonly signed: boolean;
    /** Whether scales and zero points are all inputs, not made at run time or elsewhere. */
    readonly static: boolean;
  };
}

const NONE = { xScale: null, xZero: null, wScale: null, wZero: null, yScale: null, yZero: null, bias: null };
const DYNAMIC: KernelPorts = { ...NONE, x: 0, w: 1 };
const QLINEAR: KernelPorts = {
  ...{ x: 0, xScale: 1, xZero: 2, w: 3, wScale: 4, wZero: 5, yScale: 6, yZero: 7, bias: null },
};

const SIGNED = { signed: true, static: false };

/** ONNX Runtime's kernels on 8-bit values; besides these all whose names begin with QLinear, which give codes. */
const KERNELS: Readonly<Record<string, IntegerKernel>> = tableOf({
  QLinearConv: {
    gives: 'codes',
    multiplies: { ...SIGNED, kind: 'convolution', ports: { ...QLINEAR, bias: 8 }, static: true },
  },
  QLinearMatMul: {
    gives: 'codes',
    multiplies: { ...SIGNED, kind: 'matrix', ports: QLINEAR, static: true },
  },
  QGemm: {
    gives: 'codes',
    multiplies: {
      ...{ ...SIGNED, kind: 'matrix', static: true },
      ports: { ...QLINEAR, bias: 6, yScale: 7, yZero: 8 },
    },
  },
  MatMulIntegerToFloat: {
    gives: 'float',
    multiplies: {
      ...{ ...SIGNED, kind: 'matrix' },
      ports: { ...NONE, x: 0, w: 1, xScale: 2, wScale: 3, xZero: 4, wZero: 5, bias: 6 },
    },
  },
  // Their activations get scale and zero point at run time, or the result gets its scale elsewhere.
  MatMulInteger: {
    gives: 'float',
    multiplies: { ...SIGNED, kind: 'matrix', ports: { ...DYNAMIC, xZero: 2, wZero: 3 } },
  },
  DynamicQuantizeMatMul: {
    gives: 'float',
    multiplies: { ...SIGNED, kind: 'matrix', ports: { ...DYNAMIC, wScale: 2, wZero: 3 } },
  },
  QAttention: { gives: 'float', multiplies: { ...SIGNED, kind: 'matrix', ports: DYNAMIC } },
  ConvInteger: {
    gives: 'float',
    multiplies: {
      kind: 'convolution',
      ports: { ...DYNAMIC, xZero: 2, wZero: 3 },
      signed: false,
      static: false,
    },
  },
  QEmbedLayerNormalization: { gives: 'float' },
  DynamicQuantizeLSTM: { gives: 'float' },
});

const PREFIX = 'QLinear';

/** The kernel of an operator's name; undefined: it computes in float, or converts. */
export function integerKernel(op: string): IntegerKernel | undefined {
  return KERNELS[op] ?? (op.startsWith(PREFIX) ? { gives: 'codes' } : undefined);
}

/** Whether a node is an integer kernel that gives codes: QGemm gives float numbers where it is told no scale for them. */
export function givesCodes({ opType, input }: Pick<NodeProto, 'opType' | 'input'>): boolean {
  const kernel = integerKernel(opType);
  const scale = kernel?.multiplies?.ports.yScale ?? null;
  return kernel?.gives === 'codes' && (scale === null || (input[scale] ?? '') !== '');
}

const CONVERSIONS: ReadonlySet<string> = new Set([
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
]);

/** Whether an operator turns real values into codes, or back. */
export function isConversion(op: string): boolean {
  return CONVERSIONS.has(op);
}

/** Whether an operator turns real values into codes by a scale and zero point that it is given. */
export function isQuantize(op: string): boolean {
  return op === 'QuantizeLinear';
}

export function isDequantize(op: string): boolean {
  return op === 'DequantizeLinear';
}

/** Operators whose weights are codes, and which compute in float. */
const CODED_WEIGHTS: ReadonlySet<string> = new Set([
  'MatMulNBits',
  'MatMulBnb4',
  'GatherBlockQuantized',
  'QMoE',
]);

/** Whether a model with this operator is quantized already. */
export function marksQuantized(op: string): boolean {
  return isConversion(op) || integerKernel(op) !== undefined || CODED_WEIGHTS.has(op);
}
