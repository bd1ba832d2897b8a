import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fail } from '@quantsmith/schemas';

/** A program that runs x64 programs on another x64 CPU. */
export interface Emulator {
  readonly path: string;
  readonly args: readonly string[];
}

/** The CPUs that can be emulated, and what QEMU calls them: QEMU knows no AVX-512 in user mode. */
export const EMULATED_CPUS = { haswell: 'Haswell' } as const;
export type EmulatedCpu = keyof typeof EMULATED_CPUS;

const PROGRAM = 'qemu-x86_64';

/** QEMU's user mode for a CPU. Throws `emulator-missing` where it is not installed or cannot run this program. */
export async function findEmulator(
  cpu: EmulatedCpu,
  path = process.env['PATH'] ?? '',
  platform = `${process.platform}-${process.arch}`,
): Promise<Emulator> {
  if (platform !== 'linux-x64') {
    fail('emulator-missing', `The CPU ${cpu} can only be emulated on x64 Linux; this is ${platform}.`);
  }

  for (const folder of path.split(delimiter).filter((entry) => entry !== '')) {
    const program = join(folder, PROGRAM);
    const isThere = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );

    if (isThere) return { path: program, args: ['-cpu', EMULATED_CPUS[cpu]] };
  }

  return fail(
    'emulator-missing',
    `The CPU ${cpu} is emulated with ${PROGRAM}, which is not installed (Debian, Ubuntu: apt install qemu-user).`,
  );
}
