import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { toHalves } from '@quantsmith/model/arrays';
import { encodeModel, makeTensor, readModel } from '@quantsmith/model/onnx';
import { ints, model, node, randoms, value } from '../../test/kit/models.js';
import { writeNpy } from '../../test/kit/npy.js';
import { compareModels } from './exported.js';
import { runPipeline } from '../src/pipeline.js';
import { raiseFloats } from '../src/prepare/raiseFloats.js';

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-narrow-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const TYPES = { float16: 10, float64: 11, bfloat16: 16 };

/** The values as they are stored in each type. */
const STORED = {
  float16: toHalves,
  float64: (values: Float32Array) => Float64Array.from(values),
  bfloat16: (values: Float32Array) => Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16),
};

/** Two products with a table between them that stays in float; weights and border of the type. */
function network(type: keyof typeof TYPES) {
  const code = TYPES[type];
  const weight = (name: string, dims: number[]) => {
    const values = randoms(dims.reduce((a, b) => a * b, 1));
    return makeTensor(name, dims, code, STORED[type](values));
  };

  const cast = (from: string, to: string, target: number) =>
    node('Cast', [from], [to], { to: target }, `to_${to}`);
  return model({
    inputs: [value('x', [1, 64], code)],
    outputs: [value('y', [1, 64], code)],
    nodes: [
      cast('x', 'a', code),
      node('MatMul', ['a', 'w1'], ['b'], {}, 'first'),
      node('Mul', ['b', 'table'], ['c'], {}, 'times'),
      node('ReduceSum', ['c', 'axes'], ['d'], { keepdims: 0 }, 'sum'),
      node('MatMul', ['d', 'w2'], ['e'], {}, 'second'),
      cast('e', 'y', code),
    ],
    initializers: [
      ...[weight('w1', [64, 64]), weight('w2', [64, 64]), weight('table', [128, 1, 64])],
      ints('axes', [0]),
    ],
  });
}

/** The model of a file with a float32 border, in a file of its own. */
async function raisedFile(path: string): Promise<string> {
  const { model: narrow, dir } = await readModel(path);
  writeFileSync(`${path}.raised.onnx`, encodeModel(raiseFloats(narrow, dir).model));
  return `${path}.raised.onnx`;
}

describe('models that compute in', () => {
  it.each(Object.keys(TYPES) as (keyof typeof TYPES)[])(
    '%s become integer, keep the types of their border, and are not larger',
    async (type) => {
      const file = join(scratch, `${type}.onnx`);
      writeFileSync(file, encodeModel(network(type)));
      const data = join(scratch, `${type}.npy`);
      writeNpy(
        data,
        Array.from({ length: 24 }, (_, i) => ({
          shape: [64],
          data: [...randoms(64 * (i + 1)).slice(64 * i)],
        })),
      );
      const config = { model: file, data: { calibration: { arrays: data } }, history: false };
      const { report } = await runPipeline(
        {
          kind: 'run',
          config,
          configPath: join(scratch, `${type}.quant.yaml`),
          configSha256: '',
          allowModules: false,
          cache: false,
        },
        () => undefined,
      );
      expect(report.warnings.map(({ code }) => code)).toContain('float-raised');
      expect(report.layers.filter(({ kernel }) => kernel !== null).length).toBe(2);
      const output = join(scratch, report.output.path);
      expect(statSync(output).size).toBeLessThan(statSync(file).size);
      const { model: written } = await readModel(output);
      for (const { type: stated } of [...written.graph.input, ...written.graph.output])
        expect(stated?.value.value).toMatchObject({ elemType: TYPES[type] });

      // The runtime's package for Node loads no bfloat16 at the border: both models are compared raised.
      const [left, right] =
        type === 'bfloat16' ? await Promise.all([file, output].map(raisedFile)) : [file, output];
      const data64 = randoms(64);
      const feeds = {
        float16: { type: 'float16', dims: [1, 64], data: toHalves(data64) },
        float64: { type: 'float64', dims: [1, 64], data: Float64Array.from(data64) },
        bfloat16: { type: 'float32', dims: [1, 64], data: data64 },
      } as const;
      const [compared] = await compareModels(left!, right!, [{ x: feeds[type] }]);
      expect(compared).toMatchObject({ sameType: true, sameShape: true });
      expect(compared!.optimized).toBeGreaterThan(20);
    },
  );
});
