import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Block, blocksOf, commandsOf, PAGES, snippets } from '../../scripts/snippets.mjs';
import { parse } from 'yaml';
import { builtCli, root } from '../kit/builtCli.js';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const cli = builtCli();
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'quantsmith-docs-'))));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Blocks that this file runs in one way, in the order of the pages. */
const blocks = (wanted: (block: Block, done: string) => boolean) =>
  snippets()
    .filter(({ block, runner }) => runner?.by === 'test/tools/docs.test.ts' && wanted(block, runner.done))
    .map(({ block }) => block);

/** What can stand behind `#`: headings as code hosts name them, and anchors that are written out. */
function anchors(text: string): Set<string> {
  const outside = text.replaceAll(/^```.*?^```/gms, '');
  const headings = [...outside.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
  const written = [...outside.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id);
  return new Set([...headings, ...written]);
}

/** Runs a command as a page has it: `npx quantsmith …`, quotes as a shell reads them. */
function quantsmith(line: string, cwd: string) {
  const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
  const args = words.slice(words[0] === 'npx' ? 2 : 1);
  return spawnSync(process.execPath, [cli, ...args], { cwd, encoding: 'utf8' });
}

/** What a command printed, as a page shows it: its numbers and names of layers are those of one machine, … is anything. */
function shown(line: string): RegExp {
  const pattern = line
    .trim()
    .replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')
    .replaceAll(/-?\d+(?:\\.\d+)?/g, String.raw`-?[\d.]+`)
    .replaceAll(/(?<=\s)\/\w[\w/]*/g, String.raw`\S+`)
    .replaceAll('…', '.*')
    .replaceAll(/\s+/g, String.raw`\s+`);
  return new RegExp(pattern);
}

describe.each(PAGES)('%s', (page) => {
  it('links to files and headings that there are', () => {
    const text = read(page)
      .replaceAll(/^ *```.*?^ *```/gms, '')
      .replaceAll(/`[^`\n]*`/g, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
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

it('the placeholder of addresses stands where CONTRIBUTING.md says, and nowhere else', () => {
  const { stdout } = spawnSync('git', ['grep', '-l', String.raw`quantsmith\.invalid`], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stdout.trim().split('\n')).toEqual(['CONTRIBUTING.md', 'package.json', 'schemas/src/tool.ts']);
});

describe('the user guide', () => {
  it('has no block that nothing runs without a reason', () => {
    const all = snippets();
    const where = ({ page, line }: Block) => `${page}:${line}`;
    expect(all.filter(({ runner }) => runner === undefined).map(({ block }) => where(block))).toEqual([]);
    for (const { block, runner } of all) {
      if (runner?.done !== 'run' && runner?.done !== 'compared') expect(runner?.why).toBeTypeOf('string');
      if (runner === undefined || runner.by === null) continue;
      const test = read(runner.by);
      // It reads the page itself, or has its blocks from the list; examples of diagnostics are generated into their page.
      const named = [block.page, 'snippets.mjs', './snippets.js', 'EXAMPLES', 'npm start', 'haswell', 'init'];
      expect(named.some((word) => test.includes(word)) || runner.by === '.ci/run').toBe(true);
    }
  });

  it('has configs that the check takes', () => {
    const configs = blocks(
      ({ language, page }, done) => language === 'yaml' && !page.includes('tutorial') && done === 'checked',
    );
    const where = mkdtempSync(join(folder, 'configs-'));
    for (const [index, { text }] of configs.entries())
      writeFileSync(join(where, `${index}.quant.yaml`), text);

    const { stdout } = quantsmith('quantsmith check . --format json --fail-on never', where);
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

  it('has commands that run, in a folder with what they name', () => {
    const lines = blocks(({ language, page }) => language === 'sh' && !page.includes('tutorial')).flatMap(
      commandsOf,
    );
    const commands = [...new Set(lines.map((line) => line.replace(/^npx /, '')))].filter((line) =>
      line.startsWith('quantsmith '),
    );
    const where = mkdtempSync(join(folder, 'commands-'));
    const put = (from: string, to: string) => {
      copyFileSync(join(where, from), join(where, to));
    };

    cpSync(join(root, 'examples/digits/data'), join(where, 'data'), { recursive: true });
    cpSync(join(root, 'examples/digits/digits.onnx'), join(where, 'model.onnx'));
    const [config] = blocks(({ language, page }) => language === 'yaml' && page.includes('tutorial'));

    const first = (line: string) => [' init ', ' run '].findIndex((word) => line.includes(word)) >>> 0;
    const failed = commands
      .sort((a, b) => first(a) - first(b))
      .filter((line) => {
        if (line.includes(' run ')) writeFileSync(join(where, 'model.quant.yaml'), config?.text ?? '');
        const { status, stderr } = quantsmith(line, where);
        if (line.includes(' run '))
          for (const name of ['digits.int8.onnx', 'before', 'after', 'baseline'])
            put('model.int8.onnx.report.json', `${name}.report.json`);
        if (line.includes(' run ')) put('model.int8.onnx', 'digits.int8.onnx');
        return status !== 0 && stderr !== undefined;
      });
    expect(commands.length).toBeGreaterThan(10);
    expect(failed).toEqual([]);
  }, 300_000);

  it('names commands and options in its text that there are', () => {
    const text = PAGES.map((page) => read(page).replaceAll(/^ *```.*?^ *```/gms, '')).join('\n');
    const spans = [...text.matchAll(/`(?:npx )?quantsmith ([a-z]+)([^`]*)`/g)].map(
      ([, name = '', rest = '']) => ({
        name,
        options: [...rest.matchAll(/--[a-z-]+/g)].map(([option]) => option),
      }),
    );
    const offered = (line: string) => quantsmith(`quantsmith complete -- ${line}`, folder).stdout;
    const commands = offered('""');
    for (const name of new Set(spans.map((span) => span.name)))
      expect(commands).toMatch(new RegExp(`^${name}\\b|^complete`, 'm'));
    const asked = new Map<string, string>();
    for (const { name, options } of spans)
      for (const option of options) {
        const known = asked.get(name) ?? offered(`${name} --`);
        asked.set(name, known);
        expect(`${name}: ${known}`).toMatch(new RegExp(`^(?:.*: )?${option}\\b`, 'm'));
      }

    expect(asked.size).toBeGreaterThan(3);
  }, 60_000);

  it('has a metric that can be imported and asked', async () => {
    const [module] = blocks(({ language }) => language === 'js');
    const file = join(folder, 'metric.mjs');
    writeFileSync(file, module?.text ?? '');
    const { default: metric } = (await import(pathToFileURL(file).href)) as {
      default: { evaluate: (outputs: object, label: number) => number };
    };
    expect([40, 60].map((label) => metric.evaluate({ age: { data: [42] } }, label))).toEqual([1, 0]);
  });

  it('has a tutorial that works as it is written, and prints what it shows', () => {
    const where = join(folder, 'tutorial');
    cpSync(join(root, 'examples/digits/data'), join(where, 'data'), { recursive: true });
    cpSync(join(root, 'bench/pytorch/digits.onnx'), join(where, 'model.onnx'));
    const page = blocksOf('docs/tutorial.md');
    const configs = page.filter(({ language }) => language === 'yaml');
    const [first, second] = configs;
    let printed = '';
    let commands = 0;
    for (const block of page) {
      if (block.language === 'text')
        for (const line of block.text.trim().split('\n')) expect(printed).toMatch(shown(line));
      if (block.language === 'python')
        for (const line of block.text.trim().split('\n'))
          expect(read('bench/pytorch/export.py')).toContain(line.replace('"model.onnx"', 'path').trim());
      if (block.language !== 'sh') continue;
      printed = '';
      for (const line of commandsOf(block)) {
        const { status, stdout, stderr } = quantsmith(line, where);
        expect(`${line}: ${status} ${status === 0 ? '' : stderr}`).toBe(`${line}: 0 `);
        printed += stdout + stderr;
        commands++;
        // The page shows the first config as init wrote it; the reader writes the second one before it is run.
        if (line.includes('init')) {
          expect(parse(readFileSync(join(where, 'model.quant.yaml'), 'utf8'))).toEqual(
            parse(first?.text ?? ''),
          );
          writeFileSync(join(where, 'four.quant.yaml'), second?.text ?? '');
        }
      }
    }

    expect([configs.length, commands]).toEqual([2, 11]);
    const { metric, size } = JSON.parse(readFileSync(join(where, 'model.int8.onnx.report.json'), 'utf8')) as {
      metric: { baseline: number; satisfied: boolean };
      size: { float_bytes: number; quantized_bytes: number };
    };
    expect(metric).toMatchObject({ satisfied: true });
    expect(metric.baseline).toBeGreaterThan(0.97);
    expect(size.float_bytes / size.quantized_bytes).toBeGreaterThan(3.5);
  }, 300_000);
});
