import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect } from 'vitest';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The path of the bundled command line, built for this test file alone, below the project so that its packages are found. */
export function builtCli(): string {
  const outdir = join(root, '.tools', `test-dist-${process.pid}`);
  beforeAll(() => {
    const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--outdir', outdir], {
      encoding: 'utf8',
    });
    expect(built.stderr).toBe('');
  });
  afterAll(() => rmSync(outdir, { recursive: true, force: true }));
  return join(outdir, 'cli.cjs');
}
