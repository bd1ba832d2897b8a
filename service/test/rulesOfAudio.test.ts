import { describe, expect, it } from 'vitest';
import { summary } from '../../test/kit/summary.js';
import { fixed, found, HEAD } from './ruleKit.js';

describe('audio', () => {
  const streaming = summary({
    nodes: [{ name: 'first', op: 'MatMul', outputs: ['enhanced', 'h_out'], constants: { 1: [257, 257] } }],
    inputs: [
      { name: 'x', type: 'float32', dims: [1, 1, 257] },
      { name: 'h_in', type: 'float32', dims: [1, 16] },
      { name: 'rate', type: 'int64', dims: [] },
    ],
    outputs: [
      { name: 'enhanced', type: 'float32', dims: [1, 1, 257] },
      { name: 'h_out', type: 'float32', dims: [1, 16] },
    ],
  });
  const section = (rest: string) => `model: m.onnx\ndata: {calibration: {audio: a.wav${rest}}}\n`;

  it('for a model with states needs them, and what else the model takes; one cause is told once', () => {
    const text = section(', constants: {rate: 16000}');
    expect(found(text, { model: streaming })).toEqual(['states-missing audio']);
    const mended = section(', constants: {rate: 16000}, states: {h_in: h_out}');
    expect(fixed(text, 'states-missing', { model: streaming })).toBe(mended);
    expect(found(mended, { model: streaming })).toEqual([]);
    expect(found(section(', states: {h_in: h_out}'), { model: streaming })).toEqual(['data-inputs a.wav']);
  });

  it('names states that there are, of shapes that fit', () => {
    const states = (map: string) =>
      found(section(`, constants: {rate: 1}, states: {${map}}`), { model: streaming });
    expect(states('h_in: enhanced')).toEqual(['states-unfit {h_in: enhanced}']);
    expect(states('h_in: none')).toEqual(['states-unfit {h_in: none}']);
    expect(states('h_in: h_out, none: h_out')).toEqual(['states-unfit {h_in: h_out, none: h_out}']);
  });

  it('has keys of its own, which are dead elsewhere', () => {
    expect(found(HEAD.replace('a.npy', 'a.npy, states: {}, frames: {length: 4}, tokenizer: t.json'))).toEqual(
      ['dead-setting states', 'dead-setting frames', 'dead-setting tokenizer'],
    );
  });
});
