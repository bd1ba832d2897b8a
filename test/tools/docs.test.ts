import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument, isMap } from 'yaml';
import { builtCli, root } from '../kit/builtCli.js';

const PAGES = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md'],
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const cli = builtCli();
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'quantsmith-docs-'))));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The fenced blocks of a page in one of some languages. */
function blocks(page: string, ...languages: string[]): string[] {
  return [...read(page).matchAll(/^( *)```(\w*)\n(.*?)^\1```/gms)]
    .filter(([, , language]) => languages.includes(language!))
    .map(([, indent, , text]) => text!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
}

/** What can stand behind `#`: headings as code hosts name them, and anchors that are written out. */
function anchors(text: string): Set<string> {
  const outside = text.replaceAll(/^```.*?^```/gms, '');
  const headings = [...outside.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
  const written = [...outside.matchAll(/<a id="([^"]+)"/g)].map(([, id]) => id!);
  return new Set([...headings, ...written]);
}

function quantsmith(args: readonly string[], cwd: string) {
  return spawnSync(process.execPath, [cli, ...args], { cwd, encoding: 'utf8' });
}

describe.each(PAGES)('%s', (page) => {
  it('links to files and headings that there are', () => {
    const text = read(page)
      .replaceAll(/^ *```.*?^ *```/gms, '')
      .replaceAll(/`[^`\n]*`/g, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
    const dead = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && !anchors(read(file)).has(anchor);
    });
    expect(dead).toEqual([]);
  });
});

describe('the user guide', () => {
  const CONFIG_KEYS = new Set([
    'model',
    'extends',
    'output',
    'data',
    'task',
    'quantization',
    'accuracy_control',
    'history',
  ]);

  it('has configs that the check takes', () => {
    const texts = PAGES.filter((page) => page !== 'docs/diagnostics.md').flatMap((page) =>
      blocks(page, 'yaml'),
    );
    const configs = texts.filter((text) => {
      const { contents } = parseDocument(text);
      return isMap(contents) && contents.items.every(({ key }) => CONFIG_KEYS.has(String(key)));
    });
    const where = mkdtempSync(join(folder, 'configs-'));
    for (const [index, text] of configs.entries()) writeFileSync(join(where, `${index}.quant.yaml`), text);

    const { stdout } = quantsmith(['check', '.', '--format', 'json', '--fail-on', 'never'], where);
    const checked = JSON.parse(stdout) as { path: string; findings: { code: string; message: string }[] }[];
    // Models and data of the pages are not here, and some blocks show one section alone.
    const expected =
      /^(model-not-found|file-missing|missing-key|base-missing|model-.*|extends-.*|modules-.*)$/;
    const wrong = checked.flatMap(({ path, findings }) =>
      findings
        .filter(({ code }) => !expected.test(code))
        .map(({ code, message }) => ({ config: readFileSync(resolve(where, path), 'utf8'), code, message })),
    );
    expect(configs.length).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  it('has commands that the command line knows, with their options', () => {
    const lines = PAGES.flatMap((page) => blocks(page, 'sh', 'bash', ''))
      .flatMap((block) => block.split('\n'))
      .map((line) => line.replace(/\s+(#|>>?|\|).*$/, '').trim())
      .filter((line) => /^(npx )?quantsmith [a-z]/.test(line) && !/[…[<]|\blsp\b/.test(line));
    const commands = [...new Set(lines.map((line) => line.replace(/^npx /, '')))];
    const where = mkdtempSync(join(folder, 'commands-'));
    const wrong = commands.filter((line) => {
      const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].slice(1);
      const { stderr, stdout } = quantsmith(
        words.map(([, a, b, c]) => a ?? b ?? c!),
        where,
      );
      return /unknown (option|command)|too many arguments|missing required|is invalid/.test(
        `${stderr}${stdout}`,
      );
    });
    expect(commands.length).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  }, 300_000);

  it('has a tutorial that works as it is written', () => {
    const where = join(folder, 'tutorial');
    cpSync(join(root, 'examples/digits/data'), join(where, 'data'), { recursive: true });
    cpSync(join(root, 'examples/resnet/resnet.onnx'), join(where, 'model.onnx'));
    const configs = blocks('docs/tutorial.md', 'yaml');
    const commands = blocks('docs/tutorial.md', 'sh').flatMap((block) => block.trim().split('\n'));
    expect([configs.length, commands.length]).toEqual([2, 9]);

    for (const line of commands) {
      const { status, stderr } = quantsmith(line.split(' ').slice(1), where);
      expect(`${line}: ${status} ${status === 0 ? '' : stderr}`).toBe(`${line}: 0 `);
      // The reader edits the config after init, and writes the second one before it is run.
      if (line.includes('init')) {
        writeFileSync(join(where, 'model.quant.yaml'), configs[0]!);
        writeFileSync(join(where, 'four.quant.yaml'), configs[1]!);
      }
    }
    const { metric, size } = JSON.parse(readFileSync(join(where, 'model.int8.onnx.report.json'), 'utf8')) as {
      metric: { baseline: number; satisfied: boolean };
      size: { float_bytes: number; quantized_bytes: number };
    };
    expect(metric).toMatchObject({ satisfied: true });
    expect(metric.baseline).toBeCloseTo(0.9917, 4);
    expect(size.float_bytes / size.quantized_bytes).toBeGreaterThan(3.8);
  }, 300_000);
});
