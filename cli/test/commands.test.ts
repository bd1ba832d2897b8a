import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { writeNpy } from '../../test/kit/npy.js';
import { printedBy } from '../../test/kit/printed.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { cacheCommand } from '../src/commands/cache.js';
import { checkCommand, type CheckCommandOptions } from '../src/commands/check.js';
import { addCompletion } from '../src/commands/completion.js';
import { debugCommand } from '../src/commands/debug.js';
import { explainCommand } from '../src/commands/explain.js';
import { initCommand } from '../src/commands/init.js';
import { inspectCommand } from '../src/commands/inspect.js';
import { overflowCommand } from '../src/commands/overflow.js';
import { reportCommand } from '../src/commands/report.js';
import { runCommand } from '../src/commands/run.js';
import { schemaCommand } from '../src/commands/schema.js';
import { sensitivityCommand } from '../src/commands/sensitivity.js';
import { openMessages } from '../src/output/messages.js';
import { lockChoices } from '../src/run/lockChoices.js';

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-commands-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);
const write = (name: string, text: string) => {
  writeFileSync(path(name), text);
  return path(name);
};

const model = path('digits.onnx');
copyFileSync(join(import.meta.dirname, '../../examples/digits/digits.onnx'), model);

const session = (json = false) => ({ messages: openMessages({}), json });

describe('check', () => {
  const OPTIONS: CheckCommandOptions = { format: 'text', failOn: 'error', stdinName: 'stdin.quant.yaml' };
  const check = (patterns: string[], options: Partial<CheckCommandOptions> = {}) =>
    printedBy(() => checkCommand(patterns, { ...OPTIONS, ...options }, session()));
  const misspelt = () => write('misspelt.quant.yaml', 'model: digits.onnx\nquantization:\n  prset: mixed\n');

  it('prints workflow commands without columns over several lines', async () => {
    const file = write('lines.quant.yaml', 'model: digits.onnx\nquantisation:\n  preset: mixed\n  a: 1\n');
    const { result, out } = await check([file, misspelt()], { format: 'github' });
    expect(result).toBe(1);
    expect(out).toMatch(
      /^::error file=[^,]*misspelt\.quant\.yaml,line=3,endLine=3,col=3,endColumn=8,title=unknown-key::/m,
    );
    expect(out).toMatch(/\d+ findings\.\n$/);
  });

  it.each([
    ['none', 'No config found in the folder'],
    ['*.nothing', 'No file matches'],
    ['digits.onnx', 'is a model, and this takes a config'],
  ])('refuses %s', async (name, text) => {
    mkdirSync(path('none'), { recursive: true });
    await expect(check([path(name)])).rejects.toThrow(text);
  });

  it('takes standard input alone', async () => {
    await expect(check(['-', misspelt()])).rejects.toThrow('cannot be checked together with files');
  });

  it('says one config and several are valid', async () => {
    const valid = (name: string) => write(name, 'extends: misspelt-not.yaml\n');
    const { out } = await check([valid('x.quant.yaml')], { format: 'json', failOn: 'never' });
    expect(JSON.parse(out)).toEqual([{ path: path('x.quant.yaml'), findings: expect.any(Array) }]);
  });

  it('--fix writes the file and checks it again', async () => {
    const file = misspelt();
    const { err } = await check([file], { fix: true });
    expect(err).toBe(`Fixed ${file}\n`);
    expect(readFileSync(file, 'utf8')).toContain('  preset: mixed\n');
    expect((await check([file], { fix: true })).err).toBe('');
  });
});

describe('commands that run the engine', () => {
  it.each([
    ['run', runCommand],
    ['sensitivity', sensitivityCommand],
    ['debug', debugCommand],
  ])('%s says what is wrong with a config, and ends with 3', async (_, command) => {
    const file = write('wrong.quant.yaml', 'quantization: {preset: 5}\n');
    const { result, out } = await printedBy(() => command(file, {}, session(true)));
    expect(result).toBe(3);
    const { exit_code: code, problems } = JSON.parse(out) as {
      exit_code: number;
      problems: { code: string }[];
    };
    expect(code).toBe(3);
    expect(problems.length).toBeGreaterThan(0);
  });

  it('shows of a text that does not parse the first problem alone', async () => {
    const file = write('broken.quant.yaml', 'model: [\nb: {\n');
    const { result, out } = await printedBy(() => runCommand(file, {}, session(true)));
    expect(result).toBe(3);
    expect((JSON.parse(out) as { problems: { code: string }[] }).problems.map(({ code }) => code)).toEqual([
      'syntax',
    ]);
  });

  it('ends with 4 where only the files are wrong', async () => {
    write('broken.onnx', 'no model');
    writeNpy(path('x.npy'), [{ shape: [64], data: new Float32Array(64) }]);
    const file = write('files.quant.yaml', 'model: broken.onnx\ndata: {calibration: {arrays: x.npy}}\n');
    expect((await printedBy(() => overflowCommand(file, {}, session()))).result).toBe(4);
  });

  it('takes no model in place of a config', async () => {
    await expect(runCommand(model, {}, session())).rejects.toThrow('`quantsmith init');
  });
});

describe('explain', () => {
  it('explains a code, lists all, and knows what may be meant', async () => {
    const { out } = await printedBy(() => explainCommand('dead-setting', {}));
    expect(out).toMatch(/^dead-setting\n\n/);
    const json = await printedBy(() => explainCommand('dead-setting', { json: true }));
    expect(JSON.parse(json.out)).toMatchObject({ code: 'dead-setting' });
    const all = await printedBy(() => explainCommand(undefined, {}));
    expect(all.out.split('\n')).toContain('dead-setting');
    const codes = await printedBy(() => explainCommand(undefined, { json: true }));
    expect(JSON.parse(codes.out)).toContain('dead-setting');
    expect(() => explainCommand('dead-seting', {})).toThrow('Did you mean "dead-setting"?');
    expect(() => explainCommand('zzzzzzzzzzzz', {})).toThrow('`quantsmith explain` lists them.');
  });
});

describe('inspect', () => {
  it('shows what a model is', async () => {
    const { out } = await printedBy(() => inspectCommand(model, {}));
    expect(out).toContain('operator sets: ai.onnx ');
    expect(out).toMatch(/\d+ nodes: /);
    const json = await printedBy(() => inspectCommand(model, { json: true }));
    expect(JSON.parse(json.out)).toMatchObject({ schema_version: 1, path: model });
  });

  it('writes it as a page, and not over the model', async () => {
    const html = path('model.html');
    const { result, out } = await printedBy(() => inspectCommand(model, { html }));
    expect([result, out]).toEqual([0, '']);
    expect(readFileSync(html, 'utf8')).toMatch(/^<!DOCTYPE html>[\s\S]*<h2[^>]*>Layers<\/h2>/);
    await expect(inspectCommand(model, { html: model })).rejects.toThrow(/digits\.onnx/);
  });
});

describe('init', () => {
  it('writes a config with its modules, and nothing over what is there', async () => {
    const output = path('new.quant.yaml');
    const options = { output, seconds: 0, loader: true, metric: 'sub-metric.ts' } as const;
    const { result, out } = await printedBy(() => initCommand(model, options, session()));
    expect(result).toBe(0);
    expect(['new.quant.yaml', 'loader.mjs', 'sub-metric.ts'].every((name) => existsSync(path(name)))).toBe(
      true,
    );
    expect(out).toContain(`Wrote ${output}\n`);
    expect(out).toMatch(/next: quantsmith run .*new\.quant\.yaml --allow-modules\n$/);
    await expect(initCommand(model, options, session())).rejects.toThrow('--force overwrites it');
    expect((await printedBy(() => initCommand(model, { ...options, force: true }, session()))).result).toBe(
      0,
    );
  });

  it('refuses a module by its name', async () => {
    await expect(initCommand(model, { loader: 'a.py' }, session())).rejects.toThrow(
      "--loader a.py: a module's name ends in .mjs, .js or .ts.",
    );
  });

  it('says what it has not found', async () => {
    mkdirSync(path('alone'));
    copyFileSync(model, path('alone/net.onnx'));
    const { out } = await printedBy(() => initCommand(path('alone/net.onnx'), { seconds: 0 }, session()));
    expect(out).toContain('calibration: no data found\nvalidation: no data found\n');
    expect(out).not.toContain('--allow-modules');
  });
});

describe('report, schema and cache', () => {
  it('choose the form by the name of the file', async () => {
    const file = write('net.int8.onnx.report.json', JSON.stringify(sampleReport()));
    const forms: [string, string][] = [
      ['a.md', '#'],
      ['a.html', '<!'],
      ['a.HTM', '<!'],
      ['a.sarif', '{'],
      ['a.json', '{'],
    ];
    for (const [name, start] of forms) {
      expect(await reportCommand(file, { output: path(name) })).toBe(0);
      expect(readFileSync(path(name), 'utf8').startsWith(start), name).toBe(true);
    }

    for (const format of ['json', 'table', 'markdown', 'html'] as const) {
      const { out } = await printedBy(() => reportCommand(file, { format }));
      expect(out).toContain('top1');
    }
  });

  it('print a schema, or write it', async () => {
    const { out } = await printedBy(() => schemaCommand('report', {}));
    await schemaCommand('report', { output: path('schema.json') });
    expect(JSON.parse(readFileSync(path('schema.json'), 'utf8'))).toEqual(JSON.parse(out));
  });

  it('say in words what the cache holds', async () => {
    vi.stubEnv('QUANTSMITH_CACHE', path('cache'));
    const { out } = await printedBy(() => cacheCommand('info', {}));
    expect(out).toMatch(/: 0 entries, 0\.0 MB of at most \d+ MB\.\n$/);
    mkdirSync(path('cache'));
    writeFileSync(path(`cache/${'a'.repeat(64)}.json`), 'x');
    expect((await printedBy(() => cacheCommand('clean', {}))).out).toBe(
      `Removed 1 entry, 0.0 MB from ${path('cache')}.\n`,
    );
    vi.unstubAllEnvs();
  });
});

describe('choices that are locked', () => {
  it('are written into the config, comments kept; nothing without choices', async () => {
    const file = write('lock.quant.yaml', '# mine\nmodel: digits.onnx\n');
    await lockChoices(file, {}, session());
    expect(readFileSync(file, 'utf8')).toBe('# mine\nmodel: digits.onnx\n');
    const { err } = await printedBy(() => lockChoices(file, { preset: 'mixed' }, session()));
    expect(err).toBe(`${file} now states what was chosen by measurement.\n`);
    expect(readFileSync(file, 'utf8')).toContain('# mine\nmodel: digits.onnx\n');
  });

  it('need a config that has a place for them', async () => {
    const file = write('flow.quant.yaml', '- a list\n');
    await expect(lockChoices(file, { preset: 'mixed' }, session())).rejects.toThrow(
      'The choices cannot be written into',
    );
  });
});

describe('completion', () => {
  it('offers files by the kind of the argument', async () => {
    const program = new Command('quantsmith');
    program.command('run').argument('<config>');
    program.command('other').argument('<unknown>');
    addCompletion(program);
    const before = process.cwd();
    process.chdir(folder);
    const { out } = await printedBy(() =>
      program.parseAsync(['node', 'quantsmith', 'complete', '--', 'run', '']).catch(() => undefined),
    );
    process.chdir(before);
    expect(out).toContain('lock.quant.yaml');
    expect(out).not.toContain('digits.onnx');
  });
});
