import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOfCheckout, PARTS, ROOT } from '../kit/checkout.js';

/** What the tool says of the arrows in a checkout; empty: nothing. */
function violations(folder: string): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
      ...['--config', '.dependency-cruiser.mjs', '--output-type', 'err', '--no-progress'],
      ...PARTS.map((part) => `${part}/src`),
    ],
    { cwd: folder, encoding: 'utf8' },
  );
  return status === 0 ? '' : stdout + stderr;
}

describe('a deliberate wrong import', () => {
  let copy: ReturnType<typeof copyOfCheckout>;
  beforeAll(() => {
    copy = copyOfCheckout();
    const put = (path: string, text: string) => appendFileSync(join(copy.folder, path), `\n${text}\n`);
    put('engine/src/placement/place.ts', "import type {} from '../pipeline.js';");
    put('engine/src/qdq/write.ts', "import type {} from '@quantsmith/report';");
    put('report/src/toText.ts', "import 'node:fs';");
    put('service/src/rules/place.ts', "import 'node:fs';");
    put('cli/src/output/messages.ts', "import type {} from '../commands/check.js';");
    put('cli/src/commands/check.ts', "import type {} from '../main.js';");
    put('model/src/onnx/names.ts', "import type {} from '../graph/index.js';");
    put('schemas/src/problem.ts', "import type {} from './protocol.js';");
    mkdirSync(join(copy.folder, 'engine/src/utilities'));
    writeFileSync(
      join(copy.folder, 'engine/src/utilities/all.ts'),
      "import type {} from '../qdq/write.js';\n",
    );
  });
  afterAll(() => copy.remove());

  it('fails the check of the arrows, type imports counted', () => {
    const found = violations(copy.folder);
    expect(found).toMatch(/arrows-of-engine\/placement: .*place\.ts → .*pipeline\.ts/);
    expect(found).toMatch(/arrows-of-engine\/qdq: .*write\.ts → report\/src\/index\.ts/);
    expect(found).toMatch(/arrows-of-service\/rules: service\/src\/rules\/place\.ts → fs/);
    expect(found).toMatch(/arrows-of-cli\/commands: .*check\.ts → cli\/src\/main\.ts/);
    expect(found).toMatch(/no-circular-folders: cli\/src/);
    expect(found).toMatch(/arrows-of-report\/\.: report\/src\/toText\.ts → fs/);
    expect(found).toMatch(/arrows-of-model\/onnx: .*names\.ts → model\/src\/graph\/index\.ts/);
    expect(found).toMatch(/no-circular-files: schemas\/src/);
    expect(found).toMatch(/no-circular-folders: model\/src/);
    expect(found).toMatch(/folder-of-engine-not-listed: engine\/src\/utilities/);
  });

  it.each([
    [
      'a folder to the files that lie above it',
      'cli',
      'commands: `\n        output run',
      'commands: `\n        . output run',
    ],
    ['two folders to each other', 'engine', "overflow: '',", "overflow: 'measure',"],
  ])('fails it too when the list of arrows has it: %s', (_, part, before, after) => {
    const path = join(copy.folder, '.dependency-cruiser.mjs');
    const text = readFileSync(path, 'utf8');
    expect(text.split(before)).toHaveLength(2);
    writeFileSync(path, text.replace(before, after));
    try {
      expect(violations(copy.folder)).toContain(`The arrows of ${part} make a circle`);
    } finally {
      writeFileSync(path, text);
    }
  });
});
