import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { HostTensor } from '@quantsmith/model/arrays';
import type { PortSignature } from '../../engine/src/runtime/session.js';
import { randomFeeds } from './runModel.js';

/** The folder of real models, which is not part of the repository. */
export const DATA = resolve(import.meta.dirname, '../../../shared/data');
export const hasData = existsSync(DATA);

/** Paths of all real models under `models/`, relative to it. */
export function realModels(): string[] {
  if (!hasData) return [];
  const root = join(DATA, 'models');
  return readdirSync(root, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.onnx'))
    .sort();
}

/** Sizes for the real models' inputs whose free dimensions cannot all be 1. */
const SIZES: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  'ocr/ch_PP-OCRv2_det_infer.onnx': { x: [1, 3, 64, 64] },
  'audio/silero_vad.onnx': { input: [1, 512], state: [2, 1, 128], sr: [] },
};

/** Random feeds that a real model (a path of `realModels`) accepts. */
export function realFeeds(file: string, inputs: readonly PortSignature[]): Record<string, HostTensor> {
  const feeds = randomFeeds(inputs, SIZES[file]);
  // A sample rate in hertz, and the only input whose value decides what runs.
  if ('sr' in feeds) feeds['sr'] = { type: 'int64', dims: [], data: BigInt64Array.of(16000n) };
  return feeds;
}
