import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { StreamMessageWriter } from 'vscode-languageserver-protocol/node';
import { describe, expect, it } from 'vitest';
import { checkedStreams } from './conformance.js';
import { methodsOf } from './protocol.js';

/** What is found in a message of a server, after requests of a client. */
async function violations(
  message: object,
  asked: { id: number; method: string }[] = [],
  capabilities: object = { textDocument: { hover: { contentFormat: ['markdown'] } } },
): Promise<string[]> {
  const [fromServer, toServer] = [new PassThrough(), new PassThrough()];
  const streams = checkedStreams(fromServer, toServer);
  const begin = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { capabilities } };
  await streams.writer.write(begin);
  for (const request of asked) await streams.writer.write({ jsonrpc: '2.0', ...request });
  const received = new Promise<void>((resolve) => streams.reader.listen(() => resolve()));
  await new StreamMessageWriter(fromServer).write({ jsonrpc: '2.0', ...message });
  await received;
  return streams.violations;
}

const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } };
const hover = [{ id: 1, method: 'textDocument/hover' }];
const publish = (diagnostic: object) => ({
  method: 'textDocument/publishDiagnostics',
  params: { uri: 'file:///a', diagnostics: [diagnostic] },
});

describe('messages of a server', () => {
  it.each([
    ['diagnostics', publish({ range, message: 'wrong', severity: 1 }), []],
    ['an answer', { id: 1, result: { contents: { kind: 'markdown', value: 'x' } } }, hover],
    ['no answer', { id: 1, result: null }, hover],
    ['an error', { id: 1, error: { code: -32800, message: 'Cancelled.' } }, hover],
    ['an error of its own', { id: 1, error: { code: 1, message: 'No.' } }, hover],
  ])('may be %s', async (_, message, asked) => {
    expect(await violations(message, asked)).toEqual([]);
  });

  it.each([
    ['a wrong severity', publish({ range, message: 'wrong', severity: 9 }), []],
    ['no range', publish({ message: 'wrong' }), []],
    [
      'a negative line',
      publish({ range: { ...range, start: { line: -1, character: 0 } }, message: 'x' }),
      [],
    ],
    ['half a column', publish({ range: { ...range, start: { line: 0, character: 0.5 } }, message: 'x' }), []],
    ['an unknown property', publish({ range, message: 'x', colour: 'red' }), []],
    ['an answer of another kind', { id: 1, result: [{ label: 'x' }] }, hover],
    ['an answer that nobody asked for', { id: 2, result: null }, hover],
    ['a message that is not in the protocol', { method: 'quantsmith/own', params: {} }, []],
  ])('may not hold %s', async (_, message, asked) => {
    expect(await violations(message, asked)).toHaveLength(1);
  });

  const action = [{ id: 1, method: 'textDocument/codeAction' }];
  const literals = { codeActionLiteralSupport: { codeActionKind: { valueSet: [] } } };
  it.each([
    ['tags', publish({ range, message: 'x', tags: [1] }), [], { publishDiagnostics: { tagSupport: {} } }],
    ['data', publish({ range, message: 'x', data: 1 }), [], { publishDiagnostics: { dataSupport: true } }],
    [
      'Markdown',
      { id: 1, result: { contents: { kind: 'markdown', value: 'x' } } },
      hover,
      { hover: { contentFormat: ['markdown'] } },
    ],
    [
      'actions that are no commands',
      { id: 1, result: [{ title: 'x', kind: 'quickfix' }] },
      action,
      { codeAction: literals },
    ],
    [
      'one that is preferred',
      { id: 1, result: [{ title: 'x', isPreferred: true }] },
      action,
      { codeAction: { isPreferredSupport: true } },
    ],
    [
      'kinds that came later',
      { id: 1, result: { isIncomplete: false, items: [{ label: 'x', kind: 20 }] } },
      [{ id: 1, method: 'textDocument/completion' }],
      { completion: { completionItemKind: { valueSet: [20] } } },
    ],
  ])('may hold %s for clients that say so only', async (_, message, asked, textDocument) => {
    expect(await violations(message, asked, {})).toHaveLength(1);
    expect(await violations(message, asked, { textDocument })).toEqual([]);
  });

  it.each([
    ['workspace/diagnostic/refresh', undefined, { workspace: { diagnostics: { refreshSupport: true } } }],
    ['workspace/configuration', { items: [] }, { workspace: { configuration: true } }],
    ['window/workDoneProgress/create', { token: 1 }, { window: { workDoneProgress: true } }],
    [
      'client/registerCapability',
      { registrations: [{ id: '1', method: 'workspace/didChangeWatchedFiles' }] },
      { workspace: { didChangeWatchedFiles: { dynamicRegistration: true } } },
    ],
  ])('may ask %s of clients that say so only', async (method, params, capabilities) => {
    const message = { id: 7, method, ...(params === undefined ? {} : { params }) };
    expect(await violations(message, [], {})).toHaveLength(1);
    expect(await violations(message, [], capabilities)).toEqual([]);
  });

  it.each([
    ['an error code that is reserved', { id: 1, error: { code: -32805, message: 'x' } }, hover],
    ['an error without words', { id: 1, error: { code: -32603, message: '' } }, hover],
    [
      'progress that nobody waits for',
      { method: '$/progress', params: { token: 9, value: { kind: 'end' } } },
      [],
    ],
    ['a trace that nobody asked for', { method: '$/logTrace', params: { message: 'x' } }, []],
  ])('may not be %s', async (_, message, asked) => {
    expect(await violations(message, asked)).toHaveLength(1);
  });

  it('are known by their types, all that the protocol has', () => {
    const known = readFileSync(new URL('messages.ts', import.meta.url), 'utf8');
    const missing = [...methodsOf().values()].filter(
      ({ method, direction }) => direction !== 'clientToServer' && !known.includes(`'${method}'`),
    );
    expect(missing.map(({ method }) => method)).toEqual([]);
    expect(methodsOf().size).toBeGreaterThan(80);
  });
});
