import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import { type ModelProto, readModel } from '@quantsmith/model/onnx';
import { runPipeline } from '../src/pipeline.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/digits/', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-digits-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

export interface DigitsRun {
  readonly report: QuantizationReport;
  readonly bytes: Buffer;
  readonly model: ModelProto;
}

export interface DigitsOptions {
  readonly model?: string;
  readonly samples?: number;
  readonly quantization?: QuantizationConfig['quantization'];
  readonly cache?: boolean;
  /** Whether accuracy is measured, and by what (default: top1). */
  readonly validated?: boolean;
  readonly metric?: string;
}

const VALIDATION = {
  arrays: join(EXAMPLE, 'data/validation.npy'),
  labels: join(EXAMPLE, 'data/validation-labels.npy'),
  preprocess: { scale: 16 },
  limit: 40,
};

let runs = 0;

/** The bundled example through the whole pipeline, by default with 20 samples and without the cache. */
export async function runDigits(options: DigitsOptions = {}): Promise<DigitsRun> {
  const output = join(scratch, `run-${runs++}.onnx`);
  const config: QuantizationConfig = {
    model: options.model ?? join(EXAMPLE, 'digits.onnx'),
    data: {
      calibration: {
        arrays: join(EXAMPLE, 'data/calibration.npy'),
        preprocess: { scale: 16 },
        limit: options.samples ?? 20,
      },
      ...(options.validated === true ? { validation: VALIDATION } : {}),
    },
    ...(options.metric === undefined
      ? {}
      : {
          accuracy_control: { metric: options.metric, ...(options.metric === 'sqnr' ? { target: 1 } : {}) },
        }),
    quantization: { defaults: 'nncf', ...options.quantization },
  };
  const { report } = await runPipeline(
    {
      kind: 'run',
      config,
      configPath: join(scratch, 'c.quant.yaml'),
      configSha256: '',
      output,
      allowModules: false,
      cache: options.cache === true,
    },
    () => undefined,
  );
  return { report, bytes: readFileSync(output), model: (await readModel(output)).model };
}
