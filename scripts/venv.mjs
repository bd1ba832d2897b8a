// Virtual environments with Python programs, of which none ships: made once, under .tools/.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tools = fileURLToPath(new URL('../.tools', import.meta.url));

/**
 * The folder of the programs of an environment with what a requirements file lists, in the versions that it has. Throws with
 * pip's words when that cannot be installed.
 */
export function venvPrograms(name, requirements) {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(tools, `${name}-${hash}`);
  const programs = join(folder, 'bin');
  if (existsSync(join(folder, 'complete'))) return programs;
  console.error(`Installing the ${name} (once) …`);
  mkdirSync(tools, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  for (const [command, ...args] of [
    ['python3', '-m', 'venv', folder],
    [join(programs, 'pip'), 'install', '--quiet', '--disable-pip-version-check', '-r', requirements],
  ]) {
    const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  }

  writeFileSync(join(folder, 'complete'), '');
  return programs;
}
