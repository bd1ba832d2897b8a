import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import MarkdownIt from 'markdown-it';
import { afterAll, describe, expect, it } from 'vitest';
import type { CompletionList, Hover, MarkupContent } from 'vscode-languageserver-protocol';
import { encodeModel, readModel, type ModelProto } from '@quantsmith/model/onnx';
import { builtCli, root } from '../kit/builtCli.js';
import { inMemory } from '../kit/lspClient.js';

/** What a name must not do wherever it is shown. */
const HOSTILE = [
  'a\n::error file=x.py,line=1::forged',
  '::error::forged',
  '\u001b[2J\u001b]0;title\u0007\u001b[31mred',
  '##[error]forged',
  '##vso[task.complete]forged',
  '![image](https://example.invalid/x.png)',
  '[link](command:workbench.action.quit)',
  '``` \n<img src=x onerror=1>',
  '<a href="command:x">x</a>',
  '\u202eflow\u2028line',
  'https://example.invalid/auto',
];

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-names-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const cli = builtCli();

/** Commands that print nothing of a model, a config or a report. */
const SHOWS_NO_NAMES = ['complete', 'help', 'lsp', 'schema', 'worker'];

/** The example with hostile names wherever the model has one that may change. */
async function hostileExample(): Promise<string> {
  const dir = join(folder, 'digits');
  cpSync(join(root, 'examples/digits'), dir, { recursive: true });
  const { model } = await readModel(join(dir, 'digits.onnx'));
  rename(model);
  writeFileSync(join(dir, 'digits.onnx'), encodeModel(model));

  return dir;
}

function rename(model: ModelProto): void {
  const graph = model.graph;
  const fixed = new Set([...graph.input, ...graph.output].map(({ name }) => name));
  const names = new Map<string, string>();
  const renamed = (name: string) => {
    if (name === '' || fixed.has(name)) return name;
    if (!names.has(name)) names.set(name, `${HOSTILE[names.size % HOSTILE.length]!} ${names.size}`);
    return names.get(name)!;
  };

  for (const node of graph.node) {
    node.name = renamed(`node ${node.name}`);
    node.input = node.input.map(renamed);
    node.output = node.output.map(renamed);
  }

  for (const tensor of graph.initializer) tensor.name = renamed(tensor.name);
  model.producerName = HOSTILE.join(' ');
}

/** Nothing that a terminal or a CI system obeys. */
function expectPlain(text: string, what: string): void {
  for (const line of text.split('\n')) {
    expect(line, what).not.toMatch(/^\s*::/);
    expect(line, what).not.toMatch(/##(\[|vso\[)/);
    // eslint-disable-next-line no-control-regex -- what is forbidden
    expect(line, what).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029]/);
  }
}

/** One command of a workflow for each finding, and nothing that is none but the verdict. */
function expectOnlyOurCommands(text: string): void {
  for (const line of text.trim().split('\n'))
    expect(line).toMatch(
      /^(::(error|warning|notice) file=digits\.quant\.yaml,line=\d+,|\d+ findings?\.$|The config is valid)/,
    );
}

/** No image, no HTML, and no link but those of our own documentation. */
function expectHarmless(markdown: string, what: string): void {
  const tokens = new MarkdownIt({ html: true, linkify: false }).parse(markdown, {});
  const all = tokens.flatMap((token) => [token, ...(token.children ?? [])]);
  expect(
    all.filter(({ type }) => /^(image|html_block|html_inline)$/.test(type)).map(({ content }) => content),
    what,
  ).toEqual([]);
  for (const link of all.filter(({ type }) => type === 'link_open'))
    expect(String(link.attrGet('href')), what).not.toMatch(/command:|example\.invalid/);
}

describe('names out of models, configs and reports', { timeout: 300_000 }, () => {
  it('reach no terminal, no CI system and no Markdown as anything but text', async () => {
    const dir = await hostileExample();
    const config = join(dir, 'digits.quant.yaml');
    const calls = {
      run: ['run', config],
      'run as Markdown': ['run', config, '--format', 'markdown'],
      'run as JSON': ['run', config, '--json'],
      check: ['check', config],
      'check as JSON': ['check', config, '--format', 'json'],
      inspect: ['inspect', join(dir, 'digits.onnx')],
      'inspect as JSON': ['inspect', join(dir, 'digits.onnx'), '--json'],
      sensitivity: ['sensitivity', config],
      overflow: ['overflow', config],
      'overflow of the model': ['overflow', join(dir, 'digits.onnx')],
      report: ['report', join(dir, 'digits.int8.onnx.report.json')],
      'report as Markdown': ['report', join(dir, 'digits.int8.onnx.report.json'), '--format', 'markdown'],
      'a run that fails': ['run', join(dir, '::error::x\u001b[31m.quant.yaml')],
      explain: ['explain', '::error::x\u001b[31m'],
      init: ['init', join(dir, 'digits.onnx'), '--output', join(dir, 'a\u001b[31m\n::error::x.quant.yaml')],
      doctor: ['doctor'],
      debug: ['debug', config],
      'debug as JSON': ['debug', config, '--json'],
      compare: ['compare', join(dir, 'digits.onnx'), join(dir, 'digits.int8.onnx')],
      'compare as Markdown': ['compare', 'digits.int8.onnx', 'digits.int8.onnx', '--format', 'markdown'],
      'check for GitHub': ['check', config, '--format', 'github'],
      cache: ['cache', 'info'],
      sweep: ['sweep', config],
      'sweep as Markdown': ['sweep', config, '--format', 'markdown'],
      'sweep as JSON': ['sweep', 'digits.quant.yaml', '--json'],
      shard: ['shard', '1/1', config, '--store', join(dir, '::error::store\u001b[31m')],
      merge: ['merge', config, '--store', join(dir, '::error::store\u001b[31m')],
    };
    const { stdout: help } = spawnSync(process.execPath, [cli, '--help'], { encoding: 'utf8' });
    const commands = [
      ...help
        .split('Commands:')[1]!
        .split('\n\n')[0]!
        .matchAll(/^ {2}([a-z]+)/gm),
    ].map(([, name]) => name!);
    const tried = new Set(Object.values(calls).map(([name]) => name!));
    expect(commands.filter((name) => !tried.has(name)).sort()).toEqual(SHOWS_NO_NAMES);
    for (const [what, args] of Object.entries(calls)) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
        encoding: 'utf8',
        cwd: dir,
      });
      expect(stdout + stderr, what).not.toBe('');
      if (/^(run|report|inspect|overflow)( as|$)/.test(what)) expect(status, what + stderr).toBe(0);
      if (/ as (Markdown|JSON)$/.test(what) && !/^(check|inspect)/.test(what))
        expect(stdout, what).not.toContain(dir);
      if (what === 'check for GitHub') expectOnlyOurCommands(stdout);
      else expectPlain(stdout, what);
      expectPlain(stderr, what);
    }

    const init = readFileSync(join(dir, 'a\u001b[31m\n::error::x.quant.yaml'), 'utf8');
    expect(init.split('\n').filter((line) => line.startsWith('::'))).toEqual([]);
  });

  it('stand in the hovers and completions of an editor as text', async () => {
    const dir = await hostileExample();
    execFileSync(process.execPath, [cli, 'run', join(dir, 'digits.quant.yaml')], { stdio: 'ignore' });
    const { model } = await readModel(join(dir, 'digits.onnx'));
    const names = model.graph.node.map(({ name }) => name);
    const text = [
      readFileSync(join(dir, 'digits.quant.yaml'), 'utf8').replace(/^quantization:\n/m, ''),
      'quantization:\n  ignored_scope:\n    validate: false\n    names:',
      ...names.map((name) => `      - ${JSON.stringify(name)}`),
      '    patterns: &a ["![i](https://example.invalid/x)", "```"]',
      '    types: *a',
      '',
    ].join('\n');
    const client = await inMemory({
      capabilities: {
        textDocument: {
          hover: { contentFormat: ['markdown'] },
          completion: { completionItem: { documentationFormat: ['markdown'] } },
        },
      },
    });
    const uri = pathToFileURL(join(dir, 'digits.quant.yaml')).href;
    await client.open(uri, text);
    let hovers = 0;
    for (const [line, content] of text.split('\n').entries())
      for (const character of new Set([content.search(/\S/), content.length - 2])) {
        const at = { textDocument: { uri }, position: { line, character: Math.max(0, character) } };
        const hover = await client.connection.sendRequest<Hover | null>('textDocument/hover', at);
        if (hover !== null) {
          hovers++;
          expectHarmless((hover.contents as MarkupContent).value, `hover at ${line}:${character}`);
        }

        const { items } = (await client.connection.sendRequest<CompletionList | null>(
          'textDocument/completion',
          at,
        )) ?? { items: [] };
        for (const { documentation } of items)
          if (typeof documentation === 'object') expectHarmless(documentation.value, 'completion');
      }

    expect(hovers).toBeGreaterThan(20);
    await client.stop();
  });
});
