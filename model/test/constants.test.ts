import { create } from '@bufbuild/protobuf';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { floats, ints, model, node, randoms, value } from '../../test/kit/models.js';
import { inspectModel } from '../src/onnx/inspect.js';
import { AttributeProtoSchema } from '../src/onnx/onnx_pb.js';
import { readConstant } from '../src/onnx/readConstant.js';
import { readFloats } from '../src/onnx/tensor.js';
import { encodeModel } from '../src/onnx/encode.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'quantsmith-constants-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const weights = randoms(12);

function written(name: string): string {
  const source = model({
    inputs: [value('x', ['n', 4])],
    outputs: [value('y', ['n', 1, 3])],
    nodes: [node('MatMul', ['x', 'w'], ['t']), node('Reshape', ['t', 'shape'], ['y'])],
    initializers: [floats('b', [2], [1, 2]), floats('w', [4, 3], weights), ints('shape', [0, 1, 3])],
  });
  source.graph.valueInfo.push(value('t', ['n', 3]));
  const path = join(dir, name);
  writeFileSync(path, encodeModel(source));
  return path;
}

it('says what a file states of its tensors, where that is asked for', async () => {
  const path = written('tensors.onnx');
  expect(await inspectModel(path)).not.toHaveProperty('tensors');
  const { tensors } = await inspectModel(path, { tensors: true });
  expect(tensors).toEqual([
    { name: 'b', type: 'float32', dims: [2] },
    { name: 'w', type: 'float32', dims: [4, 3] },
    { name: 'shape', type: 'int64', dims: [3] },
    { name: 'x', type: 'float32', dims: ['n', 4] },
    { name: 'y', type: 'float32', dims: ['n', 1, 3] },
    { name: 't', type: 'float32', dims: ['n', 3] },
  ]);
});

it('reads what a Constant node gives', async () => {
  const given = node('Constant', [], ['c']);
  given.attribute.push(
    create(AttributeProtoSchema, { name: 'value', type: 4, t: floats('', [4, 3], weights) }),
  );
  const source = model({
    inputs: [value('x', ['n', 4])],
    outputs: [value('y', ['n', 3])],
    nodes: [node('Identity', ['x'], ['i']), given, node('MatMul', ['i', 'c'], ['y'])],
    initializers: [],
  });
  const path = join(dir, 'given.onnx');
  writeFileSync(path, encodeModel(source));
  const tensor = await readConstant(path, 'c', 1000);
  expect(tensor).toMatchObject({ name: 'c', dims: [4n, 3n] });
  expect(tensor && [...readFloats(tensor, dir)]).toEqual([...weights]);
  // What other nodes give is no constant.
  expect(await readConstant(path, 'i', 1000)).toBeNull();
});

it('reads one constant alone, within a bound', async () => {
  const path = written('one.onnx');
  const tensor = await readConstant(path, 'w', 1000);
  expect([...readFloats(tensor!, dir)]).toEqual([...weights]);
  expect(await readConstant(path, 'x', 1000)).toBeNull();
  await expect(readConstant(path, 'w', 10)).rejects.toMatchObject({ problem: { code: 'tensor-too-large' } });
  await expect(readConstant(join(dir, 'none.onnx'), 'w', 10)).rejects.toMatchObject({
    problem: { code: 'model-not-found' },
  });
  truncateSync(path, 60);
  await expect(readConstant(path, 'w', 1000)).rejects.toMatchObject({ problem: { code: 'model-truncated' } });
});
