import { INSTRUCTION_SETS, ISAS, isaSaturates, type TargetIsa } from '@quantsmith/schemas';

export type { TargetIsa };

/** What decides on this machine: its architecture as Node names it, and the instruction sets that it says it has. */
export interface HostCpu {
  readonly arch: string;
  readonly isa: readonly string[];
}

/** Whether 16-bit sums can saturate on the target. `host`: on this machine. */
export function targetSaturates(target: TargetIsa, host: HostCpu): boolean {
  return isaSaturates(target) ?? hostSaturates(host);
}

/** Instruction sets of x64 CPUs that add in 32 bits. */
const EXACT = INSTRUCTION_SETS.filter((name) => ISAS[name].target && !ISAS[name].saturates);

/** An x64 CPU that says nothing of itself is taken for one that saturates. */
function hostSaturates({ arch, isa }: HostCpu): boolean {
  return arch === 'x64' && !EXACT.some((set) => isa.includes(set));
}

/** Whether this machine has instructions for sums of products of 8-bit integers; of other architectures than x64 that is believed. */
export const hasDotProducts = (host: HostCpu): boolean => !hostSaturates(host);
