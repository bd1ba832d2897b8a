import { INSTRUCTION_SETS, type InstructionSet, type TargetIsa } from '@quantsmith/schemas';
import table from './kernelCosts.json' with { type: 'json' };

/** What `bench:kernels` measured on one class of CPU: microseconds on one core, for tensors of `elements`. */
export interface ClassCosts {
  readonly cpu: string;
  /** ONNX Runtime's version. */
  readonly runtime: string;
  /** The machine's load while it was measured, and its cores. */
  readonly load: number;
  readonly cores: number;
  /** The sizes that were measured, in ascending order. */
  readonly elements: readonly number[];
  /** By the operator's type. */
  readonly kernels: Readonly<
    Record<string, Readonly<Record<'float' | 'integer', readonly number[]>> | undefined>
  >;
  /** A QuantizeLinear and a DequantizeLinear together. */
  readonly conversions: readonly number[];
}

/** null: nobody has measured that class yet. */
export interface KernelCosts {
  readonly classes: Readonly<Record<InstructionSet, ClassCosts | null>>;
}

/** What kernels cost on the CPU that a model is made for; null: not known. `isa`: this machine's instruction sets. */
export function kernelCosts(target: TargetIsa, isa: readonly InstructionSet[]): ClassCosts | null {
  const { classes }: KernelCosts = table;
  const name = target === 'host' ? INSTRUCTION_SETS.findLast((set) => isa.includes(set)) : target;
  return name === undefined ? null : classes[name];
}

/** Microseconds for a tensor of so many elements: on the lines between the sizes that were measured, and on their last one beyond. */
export function microseconds(sizes: readonly number[], times: readonly number[], elements: number): number {
  const after = sizes.findIndex((size) => size >= elements);
  const upper = after === -1 ? sizes.length - 1 : Math.max(1, after);
  const [low = 0, high = low + 1] = sizes.slice(upper - 1, upper + 1);
  const [less = 0, more = less] = times.slice(upper - 1, upper + 1);
  return Math.max(0, less + ((more - less) / (high - low)) * (elements - low));
}
