import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { editorFolder, root, serverCommand } from './folder.js';

const scratch = editorFolder('neovim');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const installed = existsSync('/usr/bin/nvim');

interface Answers {
  readonly attached: boolean;
  readonly diagnostics: { code: string; message: string; line: number; column: number; last: number }[];
  readonly hover: string;
  readonly completion: string[];
  readonly cleared: boolean;
}

describe.skipIf(!installed)('Neovim with quantsmith lsp --stdio', () => {
  it('gets diagnostics, hover and completion', () => {
    const { stdout, stderr } = spawnSync(
      'nvim',
      [
        '--headless',
        '-u',
        'NONE',
        '-i',
        'NONE',
        'mistaken.quant.yaml',
        '-c',
        `luafile ${join(root, 'test/editors/neovim.lua')}`,
      ],
      {
        cwd: scratch,
        encoding: 'utf8',
        env: { ...process.env, QUANTSMITH_LSP: JSON.stringify(serverCommand()) },
      },
    );
    const answers = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Answers;
    expect(answers.attached, stderr).toBe(true);
    expect(answers.diagnostics.map(({ code, line, column, last }) => ({ code, line, column, last }))).toEqual(
      [{ code: 'unknown-key', line: 5, column: 2, last: 7 }],
    );
    expect(answers.hover).toMatch(/The device that the model must run on/);
    expect(answers.completion).toEqual(['ANY', 'CPU', 'CPU_SPR', 'GPU', 'NPU']);
    expect(answers.cleared).toBe(true);
  });
});
