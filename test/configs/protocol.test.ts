import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CodeAction, DocumentDiagnosticReport } from 'vscode-languageserver-protocol';
import { inMemory } from '../kit/lspClient.js';
import { writeProject } from './project.js';
import { writtenConfigs } from './written.js';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantsmith-written-'));
  await writeProject(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a client shows of a config and offers for its wrong line. */
const ANSWERS = [
  ['wrong-size', 'sample-shape', 'Set preprocess.center_crop to 32'],
  ['layout', 'sample-shape', 'Set preprocess.layout to "nhwc"'],
  ['gray', 'sample-shape', 'Set preprocess.color to "rgb"'],
  ['no-crop', 'sample-shape', 'Set preprocess.center_crop to 32'],
  ['metric-fit', 'metric-unfit', 'Change to top1'],
  ['multiply', 'normalization-doubtful', 'Set scale to 255'],
  ['differing', 'preprocess-differs', 'Set scale to 16'],
] as const;

it.each(ANSWERS)('an editor is told of %s by %s, and offered: %s', async (name, code, title) => {
  const { text, line } = writtenConfigs('unsound-seen').find((one) => one.name === `${name}.quant.yaml`)!;
  const file = join(folder, `${name}.quant.yaml`);
  writeFileSync(file, text);
  const uri = pathToFileURL(file).href;
  const capabilities = {
    workspace: { diagnostics: { refreshSupport: true } },
    textDocument: {
      diagnostic: {},
      codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ['quickfix'] } } },
    },
  };
  const client = await inMemory({ capabilities }, { patience: Number.POSITIVE_INFINITY });
  await client.open(uri, text);

  const textDocument = { uri };
  const report = await client.connection.sendRequest<DocumentDiagnosticReport>('textDocument/diagnostic', {
    textDocument,
  });
  const found = 'items' in report ? report.items.filter((one) => one.code === code) : [];
  expect(found.map(({ range }) => range.start.line)).toEqual([line]);

  const actions = await client.connection.sendRequest<CodeAction[]>('textDocument/codeAction', {
    textDocument,
    range: found[0]!.range,
    context: { diagnostics: found },
  });
  expect(actions.map((action) => action.title)).toContain(title);
});

const LISTS = ['seen', 'unseen', 'run', 'blind'];

it('all that is unsound is told on its line, and nothing of what is sound', async () => {
  const client = await inMemory({
    capabilities: { workspace: { diagnostics: { refreshSupport: true } }, textDocument: { diagnostic: {} } },
  });
  const found = async (name: string, text: string) => {
    const uri = pathToFileURL(join(folder, name)).href;
    // A config that extends itself, and what a run writes beside it, are looked for on the disk.
    writeFileSync(join(folder, name), text);
    await client.open(uri, text, /json/.test(name) ? 'quant-json' : 'quant-yaml');
    const textDocument = { uri };
    const report = await client.connection.sendRequest<DocumentDiagnosticReport>('textDocument/diagnostic', {
      textDocument,
    });
    await client.connection.sendNotification('textDocument/didClose', { textDocument });
    rmSync(join(folder, name));
    return 'items' in report ? report.items.filter(({ severity = 1 }) => severity <= 2) : [];
  };

  const missed: string[] = [];
  for (const { name, text, line } of LISTS.flatMap((list) => writtenConfigs(`unsound-${list}`)))
    if (!(await found(name, text)).some(({ range }) => range.start.line === line)) missed.push(name);
  const wronged: string[] = [];
  for (const { name, text } of LISTS.flatMap((list) => writtenConfigs(`sound-${list}`)))
    if ((await found(name, text)).length > 0) wronged.push(name);

  expect({ missed, wronged }).toEqual({ missed: [], wronged: [] });
  await client.stop();
});
