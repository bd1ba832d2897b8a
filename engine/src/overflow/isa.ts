/** The CPUs that a config can name as its target. */
export type TargetIsa = 'host' | 'avx2' | 'avx512' | 'avx512_vnni' | 'avx_vnni' | 'amx';

/** What decides on this machine: its architecture as Node names it, and the instruction sets that it says it has. */
export interface HostCpu {
  readonly arch: string;
  readonly isa: readonly string[];
}

/**
 * Whether ONNX Runtime's kernels for u8·s8 add pairs of products into 16 bits that saturate (vpmaddubsw). Those for
 * AVX2 and for AVX-512 without VNNI do (onnxruntime/core/mlas/lib/amd64/QgemmU8S8KernelAvx2.asm and
 * QgemmU8S8KernelAvx512Core.asm); with VNNI (vpdpbusd) and AMX (tdpbusd) four products are added in 32 bits.
 */
const SATURATES: Readonly<Record<Exclude<TargetIsa, 'host'>, boolean>> = {
  avx2: true,
  avx512: true,
  avx512_vnni: false,
  avx_vnni: false,
  amx: false,
};

/** Whether 16-bit sums can saturate on the target. `host`: on this machine. */
export function targetSaturates(target: TargetIsa, host: HostCpu): boolean {
  return target === 'host' ? hostSaturates(host) : SATURATES[target];
}

/** An x64 CPU that says nothing of itself is taken for one that saturates. */
function hostSaturates({ arch, isa }: HostCpu): boolean {
  return arch === 'x64' && !['avx512_vnni', 'avx_vnni', 'amx'].some((set) => isa.includes(set));
}
