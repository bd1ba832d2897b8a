import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { editorFolder, root, writeLayerConfigs } from './folder.js';
import { commandFolder, snippets } from './snippets.js';

const scratch = editorFolder('emacs');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

// Emacs 29 and later bring eglot along: an older one may lack it (test/maySkip.json), but in CI there is one.
const hasEmacs = spawnSync('emacs', ['--version']).status === 0;
const hasEglot = spawnSync('emacs', ['--batch', '-q', '--eval', "(require 'eglot)"]).status === 0;

interface Answers {
  readonly attached: boolean;
  readonly diagnostics: { message: string; line: number; text: string }[];
  readonly hover: string;
  readonly completion: string[];
  readonly comments: string;
  readonly fixes: number;
  readonly cleared: boolean;
  readonly ran: boolean;
  readonly json: boolean;
  readonly servers: number;
  readonly colour: string;
  readonly fixedName: boolean;
  readonly renamed: string[];
}

describe.skipIf(!hasEglot)(hasEmacs ? 'Emacs with eglot' : 'Emacs, which is missing', () => {
  it('with the snippet of docs/editors.md gets diagnostics, hover, completion, fixes and colours, runs, and renames across files', () => {
    writeFileSync(join(scratch, 'snippet.el'), snippets(/^Emacs/, 'elisp').join('\n'));
    writeFileSync(join(scratch, 'other.quant.json'), '// a comment\n{ "modle": "digits.onnx" }\n');
    writeLayerConfigs(scratch);
    const script = join(root, 'test/editors/emacs.el');
    const { stdout, stderr } = spawnSync('emacs', ['--batch', '-q', '-l', script], {
      cwd: scratch,
      encoding: 'utf8',
      env: {
        ...process.env,
        HOME: scratch,
        PATH: `${commandFolder(scratch)}:${process.env['PATH'] ?? ''}`,
      },
    });
    const answers = JSON.parse(stdout.trim().split('\n').at(-1) || '{}') as Answers;
    expect(answers.attached, stderr).toBe(true);
    expect(answers.diagnostics).toEqual([
      { message: expect.stringContaining('unknown-key') as string, line: 5, text: 'prset' },
    ]);
    expect(answers.hover).toMatch(/Device that the model will run on/);
    expect(answers.completion).toEqual(['ANY', 'CPU', 'CPU_SPR', 'GPU', 'NPU']);
    expect(answers).toMatchObject({
      comments: '#',
      fixes: 5,
      cleared: true,
      ran: true,
      json: true,
      servers: 1,
      colour: 'font-lock-variable-name-face',
      fixedName: true,
      renamed: ['    names: [/new/Conv]', '    names: [/new/Conv]'],
    });
  });
});
