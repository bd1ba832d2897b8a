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

  /** The check of a checkout whose engine has this source so many times. */
  const check = (source: string, times: number) => {
    const file = join(folder, 'engine/src/planted.ts');
    writeFileSync(file, Array.from({ length: times }, (_, i) => source.replace('X', `x${i}`)).join('\n'));
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'scripts/figures.mjs'), folder, '--check'],
      { encoding: 'utf8' },
    );
    return { status, stderr };
  };

  it.each([
    ['operator lists', "const X = new Set(['Conv', 'Gemm']);"],
    ['operator lists', 'const X = /^(If|Loop|Scan)$/;'],
    ['operator lists', "const X = (op: string) => { switch (op) { case 'Conv': case 'Gemm': } };"],
    ['operator by name', "const X = (op: string) => op === 'Softmax';"],
    ['operator by name', "const X = (node: { opType: string }) => node?.opType !== 'Softmax';"],
  ])('fails the check: more %s than allowed', (what, source) => {
    expect(check(source, 1)).toEqual({ status: 0, stderr: '' });
    const { status, stderr } = check(source, 200);
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`^${what}: 200, but scripts/budget.json allows \\d+\\.`));
  });
});
