import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelSummary } from '@quantsmith/schemas';
import { summary } from '../../test/kit/summary.js';
import { guessTask } from '../src/tasks/index.js';

type Port = readonly [type: string, dims: readonly (number | string)[]];

interface Shapes {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** [rows, width] of a table that ids are looked up in. */
  readonly table?: readonly [number, number];
  /** Of the last node. */
  readonly last?: string;
}

/** A model of these shapes; names are what they happen to be. */
function modelOf({ inputs, outputs, table, last }: Shapes, name: (index: number) => string): ModelSummary {
  const port = ([type, dims]: Port, index: number) => ({ name: name(index), type, dims });

  return summary({
    inputs: inputs.map(port),
    outputs: outputs.map((each, index) => port(each, 50 + index)),
    nodes: [
      ...(table === undefined ? [] : [{ name: name(98), op: 'Gather', constants: { 0: table } }]),
      ...(last === undefined ? [] : [{ name: name(99), op: last, constants: {} }]),
    ],
  });
}

const image = (height: number | string, width = height): Port => ['float32', ['n', 3, height, width]];
const ids: Port = ['int64', ['batch', 'seq']];
const float = (...dims: (number | string)[]): Port => ['float32', dims];

const KINDS: Readonly<
  Record<string, [Shapes, { type: string | null; decoders?: string[]; classes?: number; output?: number }]>
> = {
  'an image classifier': [
    { inputs: [image(224)], outputs: [float('n', 1000)] },
    { type: 'classification', classes: 1000 },
  ],
  'YOLOX, or YOLOv5 with one anchor': [
    { inputs: [image(416)], outputs: [float(1, 3549, 85)] },
    { type: 'detection', decoders: ['yolox', 'yolov5'], classes: 80 },
  ],
  YOLOv5: [
    { inputs: [image(640)], outputs: [float(1, 25_200, 85)] },
    { type: 'detection', decoders: ['yolov5'], classes: 80 },
  ],
  YOLOv8: [
    { inputs: [image(640)], outputs: [float(1, 84, 8400)] },
    { type: 'detection', decoders: ['yolov8'], classes: 80 },
  ],
  'YOLOv8 of free size': [
    { inputs: [image('h', 'w')], outputs: [float(1, 84, 'boxes')] },
    { type: 'detection', decoders: ['yolov8'], classes: 80 },
  ],
  'an SSD': [
    { inputs: [['float32', [1, 3, 240, 320]]], outputs: [float(1, 4420, 2), float(1, 4420, 4)] },
    { type: 'detection', decoders: ['ssd'], classes: 1 },
  ],
  DETR: [
    { inputs: [image(800)], outputs: [float(1, 100, 4), float(1, 100, 92)] },
    { type: 'detection', decoders: ['detr', 'ssd'] },
  ],
  'a detector that ends in suppression': [
    { inputs: [image(640)], outputs: [float(1, 300, 6)] },
    { type: 'detection', decoders: ['nms_free'] },
  ],
  'a segmentation': [
    { inputs: [image(512)], outputs: [float(1, 21, 512, 512)] },
    { type: 'segmentation', classes: 21 },
  ],
  'a text detector, which gives one map': [
    { inputs: [image('h', 'w')], outputs: [float('n', 1, 'h', 'w')] },
    { type: 'segmentation', classes: 2 },
  ],
  'a picture for a picture': [{ inputs: [image(224)], outputs: [float(1, 3, 672, 672)] }, { type: null }],
  'a text recognizer': [
    { inputs: [['float32', ['n', 3, 48, 'w']]], outputs: [float('n', 't', 6625)] },
    { type: 'ctc', classes: 6625 },
  ],
  'a text recognizer of free size': [
    { inputs: [image('h', 'w')], outputs: [float('n', 't', 6625)] },
    { type: 'ctc', classes: 6625 },
  ],
  'a text recognizer of free size and few letters': [
    { inputs: [image('h', 'w')], outputs: [float('n', 't', 97)], last: 'Softmax' },
    { type: 'ctc', classes: 97 },
  ],
  'a detector of free size': [
    { inputs: [image('h', 'w')], outputs: [float('n', 'boxes', 85)] },
    { type: 'detection', decoders: ['yolox', 'yolov5'] },
  ],
  'a speech recognizer': [
    { inputs: [float('n', 'samples')], outputs: [float('n', 't', 32)] },
    { type: 'ctc', classes: 32 },
  ],
  'a language model': [
    { inputs: [ids], outputs: [float('batch', 'seq', 512)], table: [512, 64] },
    { type: 'language_model' },
  ],
  'an encoder, a vector per token': [
    { inputs: [ids, ids, ids], outputs: [float('batch', 'seq', 384)], table: [30_522, 384] },
    { type: 'embedding' },
  ],
  'an encoder that gives its ids back first': [
    { inputs: [ids, ids], outputs: [ids, float('b', 's', 384)], table: [30_522, 384] },
    { type: 'embedding', output: 1 },
  ],
  'an encoder, pooled': [
    { inputs: [ids, ids], outputs: [float('batch', 384)], table: [30_522, 384] },
    { type: 'embedding' },
  ],
  'a classifier of texts': [
    { inputs: [ids, ids], outputs: [float('batch', 2)], table: [30_522, 768] },
    { type: 'classification', classes: 2 },
  ],
  'a tagger of tokens': [
    { inputs: [ids, ids], outputs: [float('batch', 'seq', 9)], table: [30_522, 768] },
    { type: null, classes: 9 },
  ],
  'an autoencoder': [{ inputs: [float('n', 640)], outputs: [float('n', 640)] }, { type: null }],
  'a face embedding': [{ inputs: [image(112)], outputs: [float(1, 512)] }, { type: 'embedding' }],
  'a streaming model with states': [
    {
      inputs: [float(1, 1, 257), float(1, 2, 128, 2)],
      outputs: [float(1, 1, 257), float(1, 2, 128, 2)],
    },
    { type: null },
  ],
};

describe('the task is guessed from shapes, whatever the names', () => {
  it.each(Object.entries(KINDS))('%s', (_, [shapes, expected]) => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 100, maxLength: 100 }), (names) => {
        const model = modelOf(shapes, (index) => names[index]!);
        const { type, decoders, classes, output } = guessTask(model);
        expect(type).toBe(expected.type);
        expect(output).toBe(expected.output === undefined ? null : model.outputs[expected.output]!.name);
        if (expected.decoders !== undefined) expect(decoders).toEqual(expected.decoders);
        if (expected.classes !== undefined) expect(classes).toBe(expected.classes);
      }),
      { numRuns: 20 },
    );
  });

  it('never throws, whatever the shapes', () => {
    const dim = fc.oneof(fc.integer({ min: -1, max: 5000 }), fc.constantFrom('n', 'h', '?'));
    const port = fc.tuple(
      fc.constantFrom('float32', 'int64', 'uint8', 'string'),
      fc.array(dim, { maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(port, { maxLength: 4 }), fc.array(port, { maxLength: 4 }), (inputs, outputs) => {
        const { reasons } = guessTask(modelOf({ inputs, outputs }, String));
        for (const reason of reasons) expect(reason).toMatch(/\.$/);
      }),
      { numRuns: 2000 },
    );
  });
});
