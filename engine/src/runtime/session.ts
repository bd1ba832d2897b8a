import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { fail } from '../problem.js';
import type { HostTensor, TensorTypeName } from './tensor.js';

export interface SessionOptions {
  /** Threads inside one operator; 0: the runtime's choice. */
  readonly threads: number;
  /** How far the runtime may rewrite the graph; default 'all'. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Folder of external data, for models given as bytes. */
  readonly dir?: string;
  /** Where the runtime writes its optimized graph. */
  readonly optimizedPath?: string;
}

export interface PortSignature {
  readonly name: string;
  readonly type: string;
  readonly dims: readonly (number | string)[];
}

/** A loaded model. Release it: its memory is outside JavaScript's. */
export interface Session {
  readonly inputs: readonly PortSignature[];
  readonly outputs: readonly PortSignature[];
  readonly native: ort.InferenceSession;
  readonly release: () => Promise<void>;
}

/** Loads a model, from its bytes or its file. Throws `runtime-load` with the runtime's reason. */
export async function createSession(source: Uint8Array | string, options: SessionOptions): Promise<Session> {
  const native = await load(source, {
    executionProviders: ['cpu'],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: options.optimization ?? 'all',
    logSeverityLevel: 4,
    ...(options.optimizedPath === undefined ? {} : { optimizedModelFilePath: options.optimizedPath }),
    ...(options.dir === undefined
      ? {}
      : { extra: { session: { model_external_initializers_file_folder_path: options.dir } } }),
  });
  return {
    inputs: native.inputMetadata.map(signature),
    outputs: native.outputMetadata.map(signature),
    native,
    release: () => native.release(),
  };
}

async function load(
  source: Uint8Array | string,
  options: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession> {
  try {
    if (typeof source === 'string') return await ort.InferenceSession.create(source, options);
    return await ort.InferenceSession.create(source, options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail('runtime-load', `ONNX Runtime cannot load the model: ${plain(reason)}`, { data: { reason } });
  }
}

function signature(value: ort.InferenceSession.ValueMetadata): PortSignature {
  return value.isTensor
    ? { name: value.name, type: value.type, dims: value.shape }
    : { name: value.name, type: 'sequence', dims: [] };
}

/** One inference. `outputs`: only these tensors. Throws `runtime-run` with the runtime's reason. */
export async function run(
  session: Session,
  feeds: Readonly<Record<string, HostTensor>>,
  outputs?: readonly string[],
): Promise<Record<string, HostTensor>> {
  const inputs: Record<string, ort.Tensor> = {};
  for (const [name, tensor] of Object.entries(feeds)) {
    inputs[name] = new ort.Tensor(tensor.type as 'float32', tensor.data as Float32Array, tensor.dims);
  }
  const results = await infer(session, inputs, outputs);
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => [
      name,
      { type: value.type as TensorTypeName, dims: value.dims, data: value.data as Float32Array },
    ]),
  );
}

async function infer(
  session: Session,
  inputs: Record<string, ort.Tensor>,
  outputs: readonly string[] | undefined,
): Promise<ort.InferenceSession.OnnxValueMapType & Record<string, ort.Tensor>> {
  try {
    const results =
      outputs === undefined ? session.native.run(inputs) : session.native.run(inputs, [...outputs]);
    return (await results) as Record<string, ort.Tensor>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail('runtime-run', `ONNX Runtime cannot run the model: ${plain(reason)}`, { data: { reason } });
  }
}

/** The runtime's message without the addresses and source positions in front of it. */
function plain(reason: string): string {
  const text = reason.replace(/\s+/g, ' ').trim();
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

/** Runs `body` with a scratch folder that is gone afterwards, whatever happens. */
export async function withScratchFolder<T>(body: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'quantsmith-'));
  try {
    return await body(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Writes bytes into a scratch folder and hands the path on. */
export async function withScratchFile<T>(bytes: Uint8Array, body: (path: string) => Promise<T>): Promise<T> {
  return withScratchFolder(async (dir) => {
    const path = join(dir, 'model.onnx');
    await writeFile(path, bytes);
    return body(path);
  });
}
