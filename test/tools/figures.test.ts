import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../kit/checkout.js';

describe('knowledge of operators outside the one table', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'quantsmith-figures-'));
    for (const part of ['model/src/operators', 'engine/src'])
      mkdirSync(join(folder, part), { recursive: true });
    cpSync(join(ROOT, 'model/src/operators/table.ts'), join(folder, 'model/src/operators/table.ts'));
    writeFileSync(join(folder, 'package.json'), '{"workspaces": ["model", "engine"]}');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The check of a checkout whose engine has this source. */
  const check = (source: string) => {
    writeFileSync(join(folder, 'engine/src/planted.ts'), source);
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'scripts/figures.mjs'), folder, '--check'],
      { encoding: 'utf8' },
    );
    return { status, stderr };
  };

  it('lets a source pass that names none', () => {
    expect(check("const op = 'Conv';")).toEqual({ status: 0, stderr: '' });
  });

  it.each([
    "const X = new Set(['Conv', 'Gemm']);",
    'const X = /^(If|Loop|Scan)$/;',
    "const X = (op: string) => { switch (op) { case 'Conv': case 'Gemm': } };",
    "const X = (op: string) => op === 'Softmax';",
    "const X = (node: { opType: string }) => node?.opType !== 'Softmax';",
  ])('fails the check without a stated reason: %s', (source) => {
    expect(check(source)).toEqual({
      status: 1,
      stderr: 'engine/src/planted.ts names operators 1 times, scripts/operatorNames.json allows 0.\n',
    });
  });
});
