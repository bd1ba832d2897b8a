import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Engine from '@quantsmith/engine';
import type { EngineEvent } from '@quantsmith/schemas';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { CodeLens, TextEdit } from 'vscode-languageserver-protocol';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { inMemory } from '../../test/kit/lspClient.js';
import { playEngines } from '../../test/kit/playedEngine.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { writeTinyNet } from '../../test/kit/tinyNet.js';

vi.mock('@quantsmith/engine', async (original) => ({
  ...(await original<typeof Engine>()),
  startEngine: vi.fn(),
}));
beforeEach(() => void vi.resetAllMocks());

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-sweep-command-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeTinyNet(folder);

const TEXT = `model: net.onnx
data: {calibration: {arrays: x.npy}}
matrix: # all of them
  quantization.preset: [performance, mixed]
`;
const file = join(folder, 'a.quant.yaml');
writeFileSync(file, TEXT);
const uri = pathToFileURL(file).href;

const reported = (accuracy: number): { events: EngineEvent[] } => {
  const base = sampleReport();
  const report = { ...base, metric: { ...base.metric!, quantized: accuracy } };
  return {
    events: [
      { type: 'progress', stage: 'load', done: 1, total: 2, secondsLeft: null },
      { type: 'report', report, reportPath: join(folder, 'r.json') },
    ],
  };
};

it('a matrix has a lens, whose command runs all of it; a point is written into the config', async () => {
  const requests = playEngines(reported(0.8), reported(0.9));
  const client = await inMemory({ workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'x' }] });
  await client.open(uri, TEXT);
  const lenses = await client.connection.sendRequest<CodeLens[]>('textDocument/codeLens', {
    textDocument: { uri },
  });
  expect(lenses.map(({ command, range }) => [command?.title, range.start.line])).toEqual([
    ['Run quantization', 0],
    ['Sweep', 2],
  ]);
  expect(lenses.at(-1)?.command?.command).toBe('quantsmith.server.sweep');

  const execute = (command: string, ...args: unknown[]) =>
    client.connection.sendRequest<unknown>('workspace/executeCommand', {
      command,
      arguments: [uri, ...args],
    });
  const swept = (await execute('quantsmith.server.sweep')) as {
    points: { name: string; settings: object; onFront: boolean; report?: unknown }[];
  };
  expect(swept).toMatchObject({ work: { runs: 2, kept: 0 }, stages: [], timeLimit: null });
  expect(swept.points.map(({ name, onFront, report }) => [name, onFront, report])).toEqual([
    ['preset=performance', false, null],
    ['preset=mixed', true, null],
  ]);
  // The history keeps the text with the settings in it.
  expect(requests.map((request) => ('configText' in request ? request.configText : ''))).toEqual([
    expect.stringContaining('preset: performance\n'),
    expect.stringContaining('preset: mixed\n'),
  ]);

  const settings = swept.points.at(-1)?.settings;
  const edits = (await execute('quantsmith.server.useSettings', settings)) as TextEdit[];
  const document = TextDocument.create(uri, 'quant-yaml', 1, TEXT);
  expect(TextDocument.applyEdits(document, edits)).toBe(`${TEXT}quantization:\n  preset: mixed\n`);
  await expect(execute('quantsmith.server.useSettings', 'mixed')).rejects.toThrow(
    /cannot be written into the config/,
  );
  client.connection.dispose();
});

it('what fails of a sweep as a whole is said', async () => {
  playEngines();
  const broken = join(folder, 'b.quant.yaml');
  const text = TEXT.replace('performance', 'quick').replace('mixed', 'fast');
  writeFileSync(broken, text);
  const client = await inMemory({ workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'x' }] });
  await client.open(pathToFileURL(broken).href, text);
  const params = { command: 'quantsmith.server.sweep', arguments: [pathToFileURL(broken).href] };
  await expect(client.connection.sendRequest('workspace/executeCommand', params)).rejects.toThrow(
    /cannot be fast/,
  );
  client.connection.dispose();
});
