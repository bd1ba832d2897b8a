import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { encodeModel, type ModelProto } from '@quantsmith/model/onnx';
import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import { runPipeline } from '../../engine/src/pipeline.js';
import { writeNpy } from './npy.js';

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-kit-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let runs = 0;

/**
 * Quantizes a model of one input with these samples through the whole pipeline, in a folder of the test file and without
 * the calibration cache.
 *
 * @returns The report and the path of the quantized model.
 */
export async function quantizeModel(
  model: ModelProto,
  samples: Parameters<typeof writeNpy>[1],
  quantization: QuantizationConfig['quantization'],
): Promise<{ report: QuantizationReport; output: string }> {
  const base = join(scratch, `case-${runs++}`);
  writeFileSync(`${base}.onnx`, encodeModel(model));
  writeNpy(`${base}.npy`, samples);
  const config = {
    model: `${base}.onnx`,
    data: { calibration: { arrays: `${base}.npy` } },
    ...(quantization === undefined ? {} : { quantization }),
  };
  const output = `${base}.int8.onnx`;
  const request = {
    kind: 'run',
    config,
    configPath: `${base}.quant.yaml`,
    configSha256: '',
    output,
  } as const;
  const { report } = await runPipeline({ ...request, allowModules: false, cache: false }, () => undefined);
  return { report, output };
}
