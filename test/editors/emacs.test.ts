import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { editorFolder, root, serverCommand } from './folder.js';

const scratch = editorFolder('emacs');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

// Emacs 29 and later bring eglot along.
const installed = spawnSync('emacs', ['--batch', '-q', '--eval', "(require 'eglot)"]).status === 0;

interface Answers {
  readonly attached: boolean;
  readonly diagnostics: { message: string; line: number; text: string }[];
  readonly hover: string;
  readonly completion: string[];
  readonly cleared: boolean;
}

describe.skipIf(!installed)('Emacs with eglot', () => {
  it('gets diagnostics, hover and completion', () => {
    const script = join(root, 'test/editors/emacs.el');
    const { stdout, stderr } = spawnSync('emacs', ['--batch', '-q', '-l', script], {
      cwd: scratch,
      encoding: 'utf8',
      env: { ...process.env, HOME: scratch, QUANTSMITH_LSP: JSON.stringify(serverCommand()) },
    });
    const answers = JSON.parse(stdout.trim().split('\n').at(-1) || '{}') as Answers;
    expect(answers.attached, stderr).toBe(true);
    expect(answers.diagnostics).toEqual([
      { message: expect.stringContaining('unknown-key') as string, line: 5, text: 'prset' },
    ]);
    expect(answers.hover).toMatch(/The device that the model must run on/);
    expect(answers.completion).toEqual(['ANY', 'CPU', 'CPU_SPR', 'GPU', 'NPU']);
    expect(answers.cleared).toBe(true);
  });
});
