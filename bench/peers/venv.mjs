// The virtual environment with the peers: made once, under .tools/, with the versions of requirements.txt.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The path of a Python that has the peers installed. Throws with pip's words when that cannot be done. */
export function peersPython() {
  const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = `${root}.tools/peers-${hash}`;
  const python = `${folder}/bin/python`;
  if (existsSync(`${folder}/complete`)) return python;
  console.error('Installing the peers (once) …');
  mkdirSync(`${root}.tools`, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  for (const [command, ...args] of [
    ['python3', '-m', 'venv', folder],
    [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements],
  ]) {
    const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  }

  writeFileSync(`${folder}/complete`, '');
  return python;
}
