import { mkdtempSync, readdirSync, rmSync, statSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { parse } from 'yaml';
import { asFloat32, type HostTensor } from '@quantsmith/model/arrays';
import { readModel, type ModelProto } from '@quantsmith/model/onnx';
import {
  seededRandom,
  type QuantizationConfig,
  type QuantizationReport,
  type RunRequest,
} from '@quantsmith/schemas';
import { openData } from '../src/data/source.js';
import { inputSignatures } from '../src/prepare/types.js';
import { runPipeline } from '../src/pipeline.js';
import { fusedKernels, type RuntimeKernel } from '../src/runtime/optimized.js';
import { createSession, run, type SessionOptions } from '../src/runtime/session.js';

/** Small models as exporters write them, each with calibration data and a config. */
export const CASES = resolve(import.meta.dirname, '../../test/cases');

export const caseNames = () => readdirSync(CASES).filter((name) => statSync(join(CASES, name)).isDirectory());

type Feeds = Readonly<Record<string, HostTensor>>;

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-exported-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function caseConfig(name: string): QuantizationConfig {
  return parse(readFileSync(join(CASES, name, 'run.quant.yaml'), 'utf8')) as QuantizationConfig;
}

/** A run of a case as it lies there, to an output elsewhere. */
export function caseRequest(name: string, output: string): RunRequest {
  const configPath = join(CASES, name, 'run.quant.yaml');
  // Nothing is left in the checkout.
  const config = { ...caseConfig(name), history: false };
  const request = { kind: 'run', config, configPath, configSha256: '' } as const;
  return { ...request, output, allowModules: false, cache: false };
}

export interface QuantizedCase {
  readonly float: string;
  readonly output: string;
  readonly report: QuantizationReport;
  readonly model: ModelProto;
  readonly fidelity: readonly OutputFidelity[];
  /** As ONNX Runtime executes it. */
  readonly kernels: readonly RuntimeKernel[];
}

let runs = 0;

/** Quantizes a case as its config says, and compares the written model with the float one on samples not seen before. */
export async function quantizeCase(name: string): Promise<QuantizedCase> {
  const folder = join(CASES, name);
  const config = caseConfig(name);
  const output = join(scratch, `${name}-${runs++}.onnx`);
  const { report } = await runPipeline(caseRequest(name, output), () => undefined);
  const float = join(folder, config.model);
  const { model } = await readModel(output);
  const layout = config.quantization?.advanced_parameters?.backend_params?.runtime ?? 'onnxruntime';
  // ONNX Runtime fuses another runtime's layout into kernels that it refuses to run.
  const full = layout === 'onnxruntime' ? 'all' : 'basic';
  const fidelity = await compareModels(float, output, await heldOut(float, config, folder), full);
  const kernels = await fusedKernels(readFileSync(output));
  return { float, output, report, model, fidelity, kernels: [...new Set(kernels.values())] };
}

/** What an output of the quantized model is like. */
export interface OutputFidelity {
  readonly name: string;
  readonly type: string;
  readonly sameType: boolean;
  readonly sameShape: boolean;
  /** Signal-to-quantization-noise ratio in dB with the runtime's optimizations and without; null: not a float tensor. */
  readonly optimized: number | null;
  readonly plain: number | null;
}

/** Compares two model files on the same feeds, tensor outputs alone. */
export async function compareModels(
  float: string,
  quantized: string,
  feeds: readonly Feeds[],
  full: 'all' | 'basic' = 'all',
): Promise<OutputFidelity[]> {
  const expected = await results(float, feeds, 'disabled');
  const [optimized, plain] = [
    await results(quantized, feeds, full),
    await results(quantized, feeds, 'disabled'),
  ];
  return Object.entries(expected[0] ?? {}).map(([name, { type }]) => {
    const of = (each: readonly Feeds[]) => each.map((result) => result[name]);
    const [left, right] = [of(expected), of(optimized)];
    return {
      name,
      type,
      sameType: left.every((tensor, index) => tensor?.type === right[index]?.type),
      sameShape: left.every((tensor, index) => tensor?.dims.join() === right[index]?.dims.join()),
      optimized: decibels(left, right),
      plain: decibels(left, of(plain)),
    };
  });
}

async function results(
  path: string,
  feeds: readonly Feeds[],
  optimization: NonNullable<SessionOptions['optimization']>,
): Promise<Feeds[]> {
  const session = await createSession(path, { threads: 1, optimization });
  const tensors = session.outputs.filter(({ type }) => type !== 'sequence').map(({ name }) => name);
  const wanted = session.inputs.map(({ name }) => name);
  try {
    const all: Feeds[] = [];
    for (const feed of feeds) {
      const given = Object.fromEntries(Object.entries(feed).filter(([name]) => wanted.includes(name)));
      all.push(await run(session, given, tensors));
    }

    return all;
  } finally {
    await session.release();
  }
}

function numbers(tensor: HostTensor): ArrayLike<number> | null {
  const { type, data } = asFloat32(tensor);
  return type === 'float32' || type === 'float64' ? (data as Float32Array) : null;
}

function decibels(
  expected: readonly (HostTensor | undefined)[],
  actual: readonly (HostTensor | undefined)[],
): number | null {
  let [signal, noise] = [0, 0];
  for (const [index, tensor] of expected.entries()) {
    const other = actual[index];
    const x = tensor === undefined ? null : numbers(tensor);
    const y = other === undefined ? null : numbers(other);
    if (x === null || y === null) return null;
    // Shapes are told of apart; where they may differ, the other samples are compared.
    if (x.length !== y.length) continue;
    for (let i = 0; i < x.length; i++) {
      signal += x[i]! ** 2;
      noise += (x[i]! - y[i]!) ** 2;
    }
  }

  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}

/** So many that one value beyond the range of the few calibration samples does not decide the figure. */
const HELD_OUT = 256;

/** Samples whose values are drawn anew from those of the calibration samples, input by input. */
async function heldOut(modelPath: string, config: QuantizationConfig, folder: string): Promise<Feeds[]> {
  const { model } = await readModel(modelPath);
  const session = await createSession(modelPath, { threads: 1, optimization: 'disabled' });
  const runtime = new Map(session.inputs.map((input) => [input.name, input]));
  await session.release();
  const inputs = inputSignatures(model).filter(({ name }) => runtime.has(name));
  const source = await openData(config.data.calibration, {
    inputs,
    baseDir: folder,
    allowModules: false,
    configPath: ['data', 'calibration'],
  });
  const samples = await Promise.all(Array.from({ length: source.count }, (_, i) => source.get(i)));
  const random = seededRandom(7);
  return Array.from({ length: HELD_OUT }, (_, index) => {
    const like = samples[index % samples.length]!;
    return Object.fromEntries(
      Object.entries(like.feeds).map(([name, tensor]): [string, HostTensor] => {
        const data = (tensor.data as Float32Array).slice();
        for (let i = 0; i < data.length; i++) {
          const other = samples[Math.floor(random() * samples.length)]!.feeds[name]!.data as Float32Array;
          if (other.length > 0) data[i] = other[Math.floor(random() * other.length)]!;
        }

        return [name, { ...tensor, data }];
      }),
    );
  });
}
