import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { readFloats, readInts, readModel } from '@quantsmith/model/onnx';
import { runPipeline } from '../src/pipeline.js';
import { DATA } from '../../test/kit/realModels.js';
import { defaultRng } from './pcg64.js';
import { vectors } from './vectors.js';

interface Reference {
  scale: number | number[];
  zero_point: number | number[];
}
const MODELS = join(DATA, 'peer_reference', 'models');
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-scales-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** One sample, uniform in [−1, 1), as the reference's generator draws it: anew for every input. */
function writeLoader(): string {
  const random = defaultRng(42);
  const numbers = Array.from({ length: 20_000 }, () => 2 * random() - 1);
  const path = join(scratch, 'loader.mjs');
  writeFileSync(
    path,
    `const numbers = ${JSON.stringify(numbers)};
export default function* ({ inputs }) {
  const feeds = {};
  for (const { name, dims } of inputs) {
    const sizes = dims.map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 1));
    const length = sizes.reduce((product, size) => product * size, 1);
    feeds[name] = { dims: sizes, data: numbers.slice(0, length).map((x) => (inputs[0].type === 'int64' ? Math.trunc(x) : x)) };
  }
  yield feeds;
}
`,
  );
  return path;
}

async function quantize(model: string, variant: string) {
  const config: QuantizationConfig = {
    model: join(MODELS, `${model}.onnx`),
    data: { calibration: { loader: writeLoader() } },
    quantization: {
      defaults: 'nncf',
      preset: variant === 'mixed' ? 'mixed' : 'performance',
      subset_size: 1,
      advanced_parameters: {
        backend_params: { runtime: 'openvino', threads: 1 },
        ...(OVERFLOW[variant] === undefined ? {} : { overflow_fix: OVERFLOW[variant] }),
      },
    },
  };
  const output = join(scratch, `${model}-${variant}.onnx`);
  await runPipeline(
    {
      kind: 'run',
      config,
      configPath: join(scratch, 'c.yaml'),
      configSha256: '',
      output,
      allowModules: true,
    },
    () => undefined,
  );
  return readModel(output);
}

const OVERFLOW: Readonly<Record<string, 'disable' | 'enable' | 'first_layer'>> = {
  overflow_fix_disable: 'disable',
  overflow_fix_enable: 'enable',
  overflow_fix_first_layer_only: 'first_layer',
};
/** Constants are stored as codes here, with a DequantizeLinear alone; BatchNorms are folded into a copy; no Identity is left. */
function namesHere(name: string): string[] {
  const constant = name.replace('QuantizeLinear', 'DequantizeLinear');
  return [
    name,
    constant,
    constant.replace(/_W_1$/, '_W_bn_1'),
    constant.replace('Identity_Y', 'Embedding_W'),
  ];
}

const NAME = /^(.*_model)_(mixed|performance|overflow_fix_\w+)\.json$/;

/**
 * On purpose otherwise here (docs/compatibility.md): weights are quantized after their BatchNorm went into them, and the
 * rows that an embedding looks up have a quantizer of their own, so that the table keeps its channels.
 */
const DIFFERENT: readonly { readonly files: RegExp; readonly quantizer: string }[] = [
  { files: /^linear_model/, quantizer: 'QuantizeLinear_Conv1_W_1' },
  { files: /^embedding_model_performance/, quantizer: 'QuantizeLinear_Identity_Y_1' },
];

describe.skipIf(!existsSync(MODELS))("the reference's own models have its scales", () => {
  const { files } = vectors<{ files: Record<string, Record<string, Reference>> }>(
    'reference_scales_testfile',
  );
  it.each(Object.entries(files))('%s', async (file, expected) => {
    const [, model, variant] = NAME.exec(file)! as unknown as [string, string, string];
    const { model: written, dir } = await quantize(model, variant);
    const graph = written.graph;
    const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    for (const [name, { scale, zero_point }] of Object.entries(expected)) {
      if (DIFFERENT.some(({ files, quantizer }) => files.test(file) && quantizer === name)) continue;
      const candidates = namesHere(name);
      const found = graph.node.find((n) => candidates.includes(n.name));
      expect(found, `${name} among ${graph.node.map((n) => n.name).join(' ')}`).toBeDefined();
      const scales = Array.from(readFloats(initializers.get(found!.input[1]!)!, dir));
      expect(scales).toHaveLength([scale].flat().length);
      [scale]
        .flat()
        .forEach((x, i) =>
          expect(Math.abs(scales[i]! / x - 1), `${name} ${scales[i]} ${x}`).toBeLessThan(3e-6),
        );
      const zeros = Array.from(readInts(initializers.get(found!.input[2]!)!, dir), Number);
      // The reference's files give the one zero point of symmetric channels once.
      expect(zeros, name).toEqual(scales.map((_, c) => [zero_point].flat()[c] ?? [zero_point].flat()[0]));
    }
  });
});

describe('the generator', () => {
  it("draws numpy's numbers", () => {
    const random = defaultRng(0);
    expect([random(), random(), random()]).toEqual([
      0.6369616873214543, 0.2697867137638703, 0.04097352393619469,
    ]);
  });
});
