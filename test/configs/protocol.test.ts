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
