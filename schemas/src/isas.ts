/** What everybody needs to know of an instruction set that integer kernels of the runtime use. */
interface Isa {
  /** How the CPU's own flags name it: /proc/cpuinfo on Linux, sysctl on macOS. */
  readonly flags: readonly string[];
  /** Whether a config may name it as the CPU that the model is made for. */
  readonly target: boolean;
  /**
   * Whether ONNX Runtime's kernels for u8·s8 add pairs of products into 16 bits that saturate (vpmaddubsw). Those for
   * AVX2 and for AVX-512 without VNNI do (onnxruntime/core/mlas/lib/amd64/QgemmU8S8KernelAvx2.asm and
   * QgemmU8S8KernelAvx512Core.asm); with VNNI (vpdpbusd) and AMX (tdpbusd) four products are added in 32 bits.
   */
  readonly saturates: boolean;
}

/** The instruction sets by name. AVX-512 counts with the byte and word instructions (BW). */
export const ISAS = {
  avx2: { flags: ['avx2'], target: true, saturates: true },
  avx512: { flags: ['avx512bw'], target: true, saturates: true },
  avx512_vnni: { flags: ['avx512_vnni', 'avx512vnni'], target: true, saturates: false },
  avx_vnni: { flags: ['avx_vnni', 'avxvnni'], target: true, saturates: false },
  amx: { flags: ['amx_int8'], target: true, saturates: false },
  neon_dot: { flags: ['asimddp', 'feat_dotprod'], target: false, saturates: false },
  neon_i8mm: { flags: ['i8mm', 'feat_i8mm'], target: false, saturates: false },
} as const satisfies Readonly<Record<string, Isa>>;

export type InstructionSet = keyof typeof ISAS;

export const INSTRUCTION_SETS = Object.keys(ISAS) as readonly InstructionSet[];

type Named<Kind extends Partial<Isa>> = {
  [Name in InstructionSet]: (typeof ISAS)[Name] extends Kind ? Name : never;
}[InstructionSet];

/** The CPUs that a config can name as its target; `host`: this machine. */
export type TargetIsa = 'host' | Named<{ target: true }>;

export const TARGET_ISAS = [
  'host',
  ...INSTRUCTION_SETS.filter((name) => ISAS[name].target),
] as readonly TargetIsa[];

/** Whether 16-bit sums saturate on a target by its name alone; null for `host`, which the name does not tell. */
export function isaSaturates(target: TargetIsa): boolean | null {
  return target === 'host' ? null : ISAS[target].saturates;
}
