import { expect, it } from 'vitest';
import { complete } from '../src/features/completion.js';
import { config } from '../../test/kit/configs.js';
import { summary } from '../../test/kit/summary.js';

const model = summary({
  nodes: [{ name: 'rnn', op: 'GRU', outputs: ['enhanced'] }],
  inputs: [
    { name: 'x', type: 'float32', dims: [1, 257, 1, 2] },
    { name: 'h_in', type: 'float32', dims: [1, 16] },
  ],
  outputs: [
    { name: 'enhanced', type: 'float32', dims: [1, 257, 1, 2] },
    { name: 'h_out', type: 'float32', dims: [1, 16] },
  ],
});

function offered(marked: string): string[] {
  const offset = marked.indexOf('|');
  const document = config(marked.replace('|', ''));
  const context = { model, baseDir: null, markdown: true, snippets: true };
  return complete(document, document.text.positionAt(offset), context).map(({ label }) => label);
}

it('windows and states that fit the model are offered', () => {
  const labels = offered('model: m.onnx\ndata:\n  calibration:\n    audio: ./speech\n    |\n');
  expect(labels).toContain('states: h_in: h_out');
  expect(labels).toContain('frames: length: 512, hop: 256, features: spectrum, window: sqrt_hann');
});

it('outputs are offered for a state', () => {
  const labels = offered(
    'model: m.onnx\ndata:\n  calibration:\n    audio: ./speech\n    states: {h_in: |}\n',
  );
  expect(labels).toEqual(expect.arrayContaining(['enhanced', 'h_out']));
});
