import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createMessageWriter } from '../src/client/stdio.js';

it('a message is written at once, with the length of its bytes', async () => {
  const output = new PassThrough();
  const chunks: string[] = [];
  output.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const writer = createMessageWriter(output);
  await writer.write({ jsonrpc: '2.0', method: 'größer 😀' } as Parameters<typeof writer.write>[0]);
  await writer.write({ jsonrpc: '2.0', method: 'b' } as Parameters<typeof writer.write>[0]);
  expect(chunks).toEqual([
    'Content-Length: 42\r\n\r\n{"jsonrpc":"2.0","method":"größer 😀"}',
    'Content-Length: 30\r\n\r\n{"jsonrpc":"2.0","method":"b"}',
  ]);
});

it('what cannot be written is told to whoever waits, and as an error of the writer', async () => {
  const output = new PassThrough();
  const writer = createMessageWriter(output);
  const errors: string[] = [];
  writer.onError(([error]) => errors.push(error.message));
  output.destroy(new Error('gone'));
  await expect(
    writer.write({ jsonrpc: '2.0', method: 'b' } as Parameters<typeof writer.write>[0]),
  ).rejects.toThrow();
  expect(errors).toEqual(['gone']);
});
