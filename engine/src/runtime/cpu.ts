import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { arch, cpus } from 'node:os';
import { promisify } from 'node:util';
import { INSTRUCTION_SETS, ISAS, type InstructionSet } from '@quantsmith/schemas';

export interface CpuFeatures {
  /** As the machine names itself, e.g. `Intel(R) Xeon(R) Processor`. */
  readonly model: string;
  /** As Node names it: x64, arm64. */
  readonly arch: string;
  readonly isa: readonly InstructionSet[];
}

/**
 * The CPU's name and the instruction sets that matter to integer kernels: from /proc/cpuinfo on Linux, sysctl on macOS.
 * Elsewhere there is no unprivileged source, and the list is empty. Never throws.
 */
export async function cpuFeatures(): Promise<CpuFeatures> {
  const model = cpus()[0]?.model.trim() ?? '';
  const isa = instructionSets(await flagText());
  return { model: model === '' || model === 'unknown' ? arch() : model, arch: arch(), isa };
}

/** The instruction sets that a list of CPU flags names, whatever else stands in the text. */
export function instructionSets(flags: string): InstructionSet[] {
  const features = new Set(flags.toLowerCase().split(/[^a-z0-9_]+/));
  return INSTRUCTION_SETS.filter((isa) => ISAS[isa].flags.some((flag) => features.has(flag)));
}

async function flagText(): Promise<string> {
  try {
    if (process.platform === 'linux') {
      const text = await readFile('/proc/cpuinfo', 'utf8');
      return /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1] ?? '';
    }

    if (process.platform === 'darwin') {
      const { stdout } = await promisify(execFile)('sysctl', ['machdep.cpu', 'hw.optional'], {
        timeout: 5000,
      });

      // `hw.optional.arm.FEAT_DotProd: 1` means present; a line that ends in 0 means absent.
      return stdout.replace(/^.*: 0$/gm, '');
    }
  } catch {
    // Not knowing the instruction sets is no reason to fail a run.
  }

  return '';
}
