import { PassThrough } from 'node:stream';
import { StreamMessageWriter } from 'vscode-languageserver-protocol/node';
import type { Message } from 'vscode-languageserver-protocol';
import { describe, expect, it } from 'vitest';
import { checkedStreams } from './conformance.js';

/** What is found in a message of a server, after requests of a client. */
async function violations(message: object, asked: { id: number; method: string }[] = []): Promise<string[]> {
  const [fromServer, toServer] = [new PassThrough(), new PassThrough()];
  const streams = checkedStreams(fromServer, toServer);
  for (const request of asked) await streams.writer.write({ jsonrpc: '2.0', ...request } as Message);
  const received = new Promise<void>((resolve) => streams.reader.listen(() => resolve()));
  await new StreamMessageWriter(fromServer).write({ jsonrpc: '2.0', ...message } as Message);
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
    ['a request without parameters', { id: 7, method: 'workspace/diagnostic/refresh' }, []],
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
});
