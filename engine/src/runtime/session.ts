import './telemetryOff.js';
import * as ort from 'onnxruntime-node';
import { fail, QuantsmithError, tableOf, reasonOf } from '@quantsmith/schemas';
import type { HostTensor, TensorTypeName } from '@quantsmith/model/arrays';
import { encodeModel, type ModelProto } from '@quantsmith/model/onnx';

export interface SessionOptions {
  /** Threads inside one operator; 0: the runtime's choice. */
  readonly threads: number;
  /** How far the runtime may rewrite the graph; default 'all'. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Folder of external data, for models given as bytes. */
  readonly dir?: string;
  /** Where the runtime writes its optimized graph. */
  readonly optimizedPath?: string;
  /** Profiles kernels into a file whose path begins so. */
  readonly profilePrefix?: string;
  /**
   * Its inferences are timed: its threads wait busily for the next one, as they do in the programs that will run the model. Else
   * they stop with each inference, and leave the processor to what is computed in between.
   */
  readonly timed?: boolean;
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

/**
 * Loads a model, as it is, from its bytes or its file. External data of a model or of bytes is read from `dir`, which the runtime
 * is told by a session config entry. Throws `runtime-unknown-operator`, `runtime-out-of-memory`, `tensor-name`, or `runtime-load` with the
 * reason.
 */
export async function createSession(
  source: ModelProto | Uint8Array | string,
  options: SessionOptions,
): Promise<Session> {
  const native = await load(source, {
    executionProviders: ['cpu'],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: options.optimization ?? 'all',
    logSeverityLevel: 4,
    ...(options.optimizedPath === undefined ? {} : { optimizedModelFilePath: options.optimizedPath }),
    ...(options.profilePrefix === undefined
      ? {}
      : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
    extra: { session: configEntries(options) },
  });

  if ([...native.inputNames, ...native.outputNames].includes(UNUSABLE_NAME)) {
    await native.release();
    fail(
      'tensor-name',
      `The model has a tensor called "${UNUSABLE_NAME}", which cannot be requested from the runtime.`,
    );
  }

  return {
    inputs: native.inputMetadata.map(signature),
    outputs: native.outputMetadata.map(signature),
    native,
    release: () => native.release(),
  };
}

/** Entries of the runtime's session configuration, below `session.`. */
function configEntries({ dir, timed = false }: SessionOptions): Record<string, string> {
  return {
    ...(timed ? {} : { force_spinning_stop: '1' }),
    ...(dir === undefined ? {} : { model_external_initializers_file_folder_path: dir }),
  };
}

/** The runtime's binding names tensors by the keys of plain objects, in which this one sets the prototype. */
const UNUSABLE_NAME = '__proto__';

async function load(
  source: ModelProto | Uint8Array | string,
  options: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession> {
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) return loadModel(source, options);
  try {
    // The package declares one signature for each.
    if (typeof source === 'string') return await ort.InferenceSession.create(source, options);
    return await ort.InferenceSession.create(source, options);
  } catch (error) {
    return runtimeFailure(error, 'load');
  }
}

const REFUSALS: ReadonlySet<string> = new Set(['runtime-load', 'runtime-run']);

/** null where the runtime does not load or run a model, which may be its optimizer's work; throws what is no matter of the model. */
export function unlessRefused(error: unknown): null {
  if (error instanceof QuantsmithError && REFUSALS.has(error.problem.code)) return null;
  throw error;
}

/** The runtime copies what it loads, so that the model's bytes are given back at once: garbage of this size lies about for long. */
async function loadModel(
  model: ModelProto,
  options: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession> {
  const memory: ArrayBuffer[] = [];
  const bytes = encodeModel(model, (length) => {
    const buffer = new ArrayBuffer(length, { maxByteLength: length });
    memory.push(buffer);
    return new Uint8Array(buffer);
  });

  try {
    return await load(bytes, options);
  } finally {
    for (const buffer of memory) buffer.resize(0);
  }
}

function signature(value: ort.InferenceSession.ValueMetadata): PortSignature {
  return value.isTensor
    ? { name: value.name, type: value.type, dims: value.shape }
    : { name: value.name, type: 'sequence', dims: [] };
}

/**
 * One inference. `outputs`: only these tensors; left out: all outputs that are tensors (sequences and maps cannot be read).
 * float16 data are the bits as Uint16Array. Throws `runtime-input` when a feed does not fit, `runtime-out-of-memory`, or
 * `runtime-run` with the runtime's reason.
 */
export async function run(
  session: Session,
  feeds: Readonly<Record<string, HostTensor>>,
  outputs?: readonly string[],
): Promise<Record<string, HostTensor>> {
  const wanted = outputs ?? session.outputs.filter(({ type }) => type !== 'sequence').map(({ name }) => name);
  // The runtime refuses to compute nothing.
  if (wanted.length === 0) return {};
  try {
    const inputs = Object.fromEntries(
      Object.entries(feeds).map(([name, tensor]) => [name, nativeTensor(tensor)]),
    );

    const results = await session.native.run(inputs, [...wanted]);
    return tableOf(
      Object.fromEntries(Object.entries(results).map(([name, value]) => [name, hostTensor(value)])),
    );
  } catch (error) {
    return runtimeFailure(error, 'run');
  }
}

/**
 * The runtime's tensor. Where JavaScript has a Float16Array (Node 24), its package makes one of the bits of halves, which its
 * binding then cannot read: it is shown the bits.
 */
function nativeTensor({ type, data, dims }: HostTensor): ort.Tensor {
  const tensor = new ort.Tensor(type as 'float32', data as Float32Array, dims);
  return type === 'float16' ? Object.defineProperty(tensor, 'data', { value: data }) : tensor;
}

function hostTensor(value: ort.OnnxValue): HostTensor {
  const { type, dims, data } = value;
  // Runtimes of JavaScript that know Float16Array get one; everywhere here halves are their bits.
  const bits = type === 'float16' && ArrayBuffer.isView(data) && !(data instanceof Uint16Array);
  const plain = bits ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
  return { type: type as TensorTypeName, dims, data: plain };
}

/** What the runtime's text is about, by what it contains. */
const REASONS: readonly { code: string; pattern: RegExp; hint: string }[] = [
  {
    // What collects statistics is called that (`augmentWithReductions`).
    code: 'internal-operator',
    pattern: /Name:'quantsmith_/,
    hint: 'this is a bug in Quantsmith, not in your model or data, please report it',
  },
  {
    code: 'runtime-out-of-memory',
    pattern: /bad_alloc|failed to allocate|out of memory|allocat.* memory/i,
    hint: 'there is not enough memory',
  },
  {
    code: 'runtime-unknown-operator',
    pattern: /No Op registered|not a registered function\/op|Could not find an implementation/i,
    hint: 'it uses an operator that the runtime does not have',
  },
  {
    code: 'runtime-input',
    pattern:
      /invalid dimensions for input|Unexpected input data type|missing in 'feeds'|Invalid rank for input|does not match data length|invalid input name/i,
    hint: 'the input does not fit the model',
  },
];

function runtimeFailure(error: unknown, doing: 'load' | 'run'): never {
  const reason = plain(reasonOf(error));
  const known = REASONS.find(({ pattern }) => pattern.test(reason));
  const hint = known === undefined ? '' : `${known.hint} (`;

  return fail(
    known?.code ?? `runtime-${doing}`,
    `ONNX Runtime cannot ${doing} the model: ${hint}${reason}${known === undefined ? '' : ')'}`,
    { data: { reason } },
  );
}

/** The runtime's message without its own source positions, and not longer than a person reads. */
function plain(reason: string): string {
  const text = reason
    .replace(/\s+/g, ' ')
    .replace(/\S*onnxruntime_src\S*:\d+ (?:[^()]|\([^()]*\))*?\([^)]*\)(?: const)? (?=[A-Za-z])/g, '')
    .trim();

  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

/** The version of ONNX Runtime. */
export function runtimeVersion(): string {
  return ort.env.versions.node ?? ort.env.versions.common;
}
