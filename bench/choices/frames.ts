import { create, toBinary } from '@bufbuild/protobuf';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TensorProtoSchema } from '@quantsmith/model/onnx';
import type { HostTensor } from '@quantsmith/model/arrays';
import { seededRandom } from '@quantsmith/schemas';
import { createSession, run } from '../../engine/src/runtime/session.js';

export const CALIBRATION = 'calibration';
export const VALIDATION = 'validation';

type Feeds = Readonly<Record<string, HostTensor>>;

/** Frames of each part. */
const FRAMES = 100;
const WINDOW = 512;

const floats = (dims: readonly number[], data: Float32Array): HostTensor => ({ type: 'float32', dims, data });
const zeros = (dims: readonly number[]) => floats(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));

/** Writes the first half of the samples for calibration, the second for validation, as ONNX test data. */
function writeParts(folder: string, samples: readonly Feeds[]): void {
  const half = samples.length >> 1;
  samples.forEach((feeds, index) => {
    const part = index < half ? CALIBRATION : VALIDATION;
    const dir = join(folder, part, `test_data_set_${index % half}`);
    mkdirSync(dir, { recursive: true });
    Object.entries(feeds).forEach(([name, { dims, data }], input) => {
      const { buffer, byteOffset, byteLength } = data as Float32Array;
      const rawData = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
      const tensor = create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: 1, rawData });
      writeFileSync(join(dir, `input_${input}.pb`), toBinary(TensorProtoSchema, tensor));
    });
  });
}

/** The same pseudo-random numbers of a normal distribution each time, for models without data. */
export async function noise(model: string, folder: string, shape: readonly number[]): Promise<void> {
  const session = await createSession(model, { threads: 1 });
  const name = session.inputs[0]!.name;
  await session.release();
  const uniform = seededRandom(1);
  const size = shape.reduce((a, b) => a * b, 1);
  const samples = Array.from({ length: 2 * FRAMES }, () => ({
    [name]: floats(
      shape,
      Float32Array.from(
        { length: size },
        () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
      ),
    ),
  }));
  writeParts(folder, samples);
}

/** Frames of a short-time Fourier transform for GTCRN, with the caches that the float model left in the frame before. */
export async function voiceFrames(model: string, folder: string, file: string): Promise<void> {
  const wave = readWave(file);
  const window = Float64Array.from({ length: WINDOW }, (_, i) => Math.sin((Math.PI * i) / WINDOW));
  const caches = {
    conv_cache: zeros([2, 1, 16, 16, 33]),
    tra_cache: zeros([2, 3, 1, 1, 16]),
    inter_cache: zeros([2, 1, 33, 16]),
  };
  await stream(model, folder, caches, (index) => {
    const { real, imaginary } = spectrum(frameOf(wave, index, 256, window));
    const mix = Float32Array.from({ length: 2 * real.length }, (_, i) =>
      i % 2 === 0 ? real[i >> 1]! : imaginary[i >> 1]!,
    );
    return { mix: floats([1, real.length, 1, 2], mix) };
  });
}

/** Magnitudes of a short-time Fourier transform for the first model of DTLN, with the state of the frame before. */
export async function denoiserFrames(model: string, folder: string, file: string): Promise<void> {
  const wave = readWave(file);
  const window = new Float64Array(WINDOW).fill(1);
  await stream(model, folder, { input_3: zeros([1, 2, 128, 2]) }, (index) => {
    const { real, imaginary } = spectrum(frameOf(wave, index, 128, window));
    const magnitudes = Float32Array.from(real, (x, i) => Math.hypot(x, imaginary[i]!));
    return { input_2: floats([1, 1, real.length], magnitudes) };
  });
}

/** Runs a model with states over frames; its first output is the result, the others are the states, in order. */
async function stream(
  model: string,
  folder: string,
  start: Feeds,
  frame: (index: number) => Feeds,
): Promise<void> {
  const session = await createSession(model, { threads: 1 });
  const outputs = session.outputs.map(({ name }) => name);
  const states = Object.keys(start);
  const samples: Feeds[] = [];
  let state = start;
  for (let index = 0; index < 4 * FRAMES; index++) {
    const feeds = { ...frame(index), ...state };
    // Neighbours are alike: every second frame is kept.
    if (index % 2 === 0) samples.push(feeds);
    const results = await run(session, feeds, outputs);
    state = Object.fromEntries(states.map((name, i) => [name, results[outputs[i + 1]!]!]));
  }

  await session.release();
  writeParts(folder, samples);
}

const frameOf = (wave: Float32Array, index: number, hop: number, window: Float64Array) =>
  window.map((factor, i) => factor * wave[(index * hop + i) % wave.length]!);

/** The discrete Fourier transform's first half, by its definition. */
function spectrum(values: Float64Array): { real: Float64Array; imaginary: Float64Array } {
  const count = values.length / 2 + 1;
  const [real, imaginary] = [new Float64Array(count), new Float64Array(count)];
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < values.length; i++) {
      const angle = (2 * Math.PI * ((k * i) % values.length)) / values.length;
      real[k] = real[k]! + values[i]! * Math.cos(angle);
      imaginary[k] = imaginary[k]! - values[i]! * Math.sin(angle);
    }
  }

  return { real, imaginary };
}

/** The samples of a mono file of 16 bits, from -1 to 1. */
function readWave(file: string): Float32Array {
  const bytes = readFileSync(file);
  const start = bytes.indexOf('data') + 8;
  return Float32Array.from(
    { length: (bytes.length - start) >> 1 },
    (_, i) => bytes.readInt16LE(start + 2 * i) / 32768,
  );
}
