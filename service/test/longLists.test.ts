import { expect, it } from 'vitest';
import { completionAt } from '../src/features/completion.js';
import { cursorAt } from '../src/features/cursorAt.js';
import { config } from '../../test/kit/configs.js';
import { summary } from '../../test/kit/summary.js';

const model = summary({
  nodes: Array.from({ length: 1786 }, (_, index) => ({
    name: `/layer${index}/Conv`,
    op: 'Conv',
    constants: {},
    outputs: [],
  })),
  inputs: [{ name: 'image', type: 'float32', dims: [] }],
});

function completed(typed: string) {
  const text = `quantization:\n  ignored_scope:\n    names:\n      - ${typed}`;
  const document = config(text);
  const cursor = cursorAt(document, document.text.positionAt(text.length));
  const context = { model, baseDir: null, markdown: false, snippets: false };
  return completionAt(document, cursor, context);
}

it('every node of a large model can be completed: lists are filtered before they are cut, and say so', () => {
  expect(completed('/')).toMatchObject({ isIncomplete: true });
  const { items } = completed('/layer1785');
  expect(items.map(({ label }) => label)).toContain('/layer1785/Conv');
});
