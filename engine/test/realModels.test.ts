import { create, toBinary } from '@bufbuild/protobuf';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { prepareModel } from '../src/prepare/prepare.js';
import { TensorProtoSchema, encodeModel, readModel } from '@quantsmith/model/onnx';
import { runPipeline } from '../src/pipeline.js';
import { type QuantizationReport, QuantsmithError } from '@quantsmith/schemas';
import { createSession } from '../src/runtime/session.js';
import type { HostTensor } from '@quantsmith/model/arrays';
import { DATA, realFeeds, realModels } from '../../test/kit/realModels.js';

/** Models that must be refused, with the code of the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  'quantized_refs/ks_quantized_int8.onnx': 'already-quantized',
  'quantized_refs/mbv2_cifar10_int8.onnx': 'already-quantized',
  'quantized_refs/mobilenetv2-12-int8.onnx': 'already-quantized',
  'structure/superresolution_ortext_prepost_op18.onnx': 'runtime-unknown-operator',
};

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-real-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const DATA_TYPE: Readonly<Record<string, number>> = { float32: 1, int32: 6, int64: 7 };

/** Writes one sample as ONNX test data. */
function writeSample(dir: string, feeds: Readonly<Record<string, HostTensor>>): void {
  mkdirSync(dir, { recursive: true });
  Object.entries(feeds).forEach(([name, { type, dims, data }], index) => {
    const view = data as Float32Array;
    const rawData = new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
    const tensor = create(TensorProtoSchema, {
      name,
      dims: dims.map(BigInt),
      dataType: DATA_TYPE[type]!,
      rawData,
    });
    writeFileSync(join(dir, `input_${index}.pb`), toBinary(TensorProtoSchema, tensor));
  });
}

async function quantize(file: string): Promise<QuantizationReport> {
  const path = join(DATA, 'models', file);
  const samples = join(scratch, file);
  // The samples need the inputs' types, which a refused model does not tell.
  const prepared = await prepareModel(await readModel(path));
  const session = await createSession(encodeModel(prepared.model), { threads: 1, dir: prepared.dir });
  for (let i = 0; i < 3; i++)
    writeSample(join(samples, `test_data_set_${i}`), realFeeds(file, session.inputs));
  await session.release();
  const { report } = await runPipeline(
    {
      kind: 'run',
      config: {
        model: path,
        output: join(scratch, `${file.replaceAll('/', '_')}.int8.onnx`),
        data: { calibration: { tensors: samples }, validation: { tensors: samples } },
      },
      configPath: join(scratch, 'real.quant.yaml'),
      configSha256: '',
      allowModules: false,
    },
    () => undefined,
  );
  return report;
}

describe.skipIf(realModels().length === 0)('real models', () => {
  it.each(realModels().map((file) => [file]))('%s', async (file) => {
    const reason = REFUSED[file];
    if (reason !== undefined) {
      const error: unknown = await quantize(file).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(QuantsmithError);
      expect((error as QuantsmithError).problem.code).toBe(reason);
      return;
    }

    const report = await quantize(file);
    // The pipeline itself ran the written model; the numbers say that it computes something sensible.
    expect(report.metric!.name).toBe('sqnr');
    if (process.env['VERBOSE'] !== undefined) {
      const integer = report.layers.filter((layer) => layer.kernel !== null).length;
      console.log(
        `${file}: ${integer}/${report.layers.length} integer, ${report.metric!.quantized.toFixed(1)} dB, ${report.size.ratio.toFixed(2)}x, ${report.latency_ms!.float_median.toFixed(2)} -> ${report.latency_ms!.quantized_median.toFixed(2)} ms; float ${report.layers
          .filter((l) => l.kernel === null)
          .map((l) => l.op)
          .sort()
          .filter((x, i, a) => a.indexOf(x) === i)
          .join(' ')}`,
      );
    }

    // Noise is far from what these networks were trained on, most of all for the detector that takes bytes.
    expect(report.metric!.quantized).toBeGreaterThan(3);
    expect(report.layers.some((layer) => layer.quantized)).toBe(true);
  });
});
