import { QuantsmithError, tableOf, append } from '@quantsmith/schemas';
import { run as runRaw, type Session } from './session.js';
import { asFloat32, type HostTensor, type TensorData } from '@quantsmith/model/arrays';

export type Feeds = Readonly<Record<string, HostTensor>>;
export type Results = Readonly<Record<string, HostTensor>>;

/**
 * The results of some samples, each of batch size one, in their order; up to `batch` of them go through the model at once.
 * Samples that cannot be joined (several images of different sizes) run alone, as do all where the outputs are not one
 * row for each sample. Throws what a single inference throws, with the sample's index as `data.position`.
 */
export async function runSamples(
  session: Session,
  feeds: readonly Feeds[],
  { outputs, batch, scratch }: RunOptions,
): Promise<Results[]> {
  const results: Results[] = [];
  for (let start = 0; start < feeds.length; start += batch) {
    const some = feeds.slice(start, start + batch);
    const joined = some.length > 1 ? joinFeeds(some, scratch) : null;
    const split = joined === null ? null : await runJoined(session, joined, some.length, outputs);
    if (split !== null) append(results, split);
    else
      for (const sample of some)
        results.push(await runOne(session, sample, results.length, { outputs, scratch }));
  }

  return results;
}

/** The rows of a joined run, or null where there are none: the model may not take so many at once. */
async function runJoined(
  session: Session,
  joined: Feeds,
  count: number,
  outputs: readonly string[] | undefined,
): Promise<Results[] | null> {
  try {
    return splitResults(await run(session, joined, outputs), count);
  } catch (error) {
    // One sample after the other tells which of them does not fit.
    if (error instanceof QuantsmithError && error.problem.code !== 'runtime-out-of-memory') return null;
    throw error;
  }
}

/** One inference, halves and doubles as float32: whoever reads results computes with such. */
async function run(session: Session, feeds: Feeds, outputs: readonly string[] | undefined): Promise<Results> {
  const results = await runRaw(session, feeds, outputs);
  return tableOf(
    Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, asFloat32(tensor)])),
  );
}

async function runOne(
  session: Session,
  feeds: Feeds,
  position: number,
  { outputs, scratch }: Pick<RunOptions, 'outputs' | 'scratch'>,
): Promise<Results> {
  try {
    return await run(session, ownFeeds(feeds, scratch), outputs);
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    throw new QuantsmithError({ ...error.problem, data: { ...error.problem.data, position } });
  }
}

/** Memory that inputs are copied to before each inference, by what it is for: the runtime does not take shared memory. */
export type Scratch = Map<string, TensorData>;

export interface RunOptions {
  /** Only these tensors. */
  readonly outputs: readonly string[] | undefined;
  readonly batch: number;
  /** Where feeds lie in shared memory. */
  readonly scratch?: Scratch | undefined;
}

function memoryFor(
  name: string,
  like: Float32Array,
  length: number,
  scratch: Scratch | undefined,
): Float32Array {
  const Data = like.constructor as new (length: number) => Float32Array;
  const key = `${name}\u0000${Data.name}\u0000${length}`;
  const buffer = scratch?.get(key) as Float32Array | undefined;
  if (buffer !== undefined) return buffer;
  const data = new Data(length);
  // Inputs of ever new sizes would fill it.
  if (scratch !== undefined && scratch.size >= MAX_KEPT) scratch.clear();
  scratch?.set(key, data);

  return data;
}

const MAX_KEPT = 16;

function ownFeeds(feeds: Feeds, scratch: Scratch | undefined): Feeds {
  if (scratch === undefined) return feeds;
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => {
      if (!ArrayBuffer.isView(tensor.data)) return [name, tensor];
      const values = tensor.data as Float32Array;
      const data = memoryFor(name, values, values.length, scratch);
      data.set(values);
      return [name, { ...tensor, data }];
    }),
  );
}

function joinFeeds(feeds: readonly Feeds[], scratch: Scratch | undefined): Feeds | null {
  const joined = tableOf<HostTensor>();
  for (const [name, first] of Object.entries(feeds[0]!)) {
    const tensors = feeds.map((feed) => feed[name]!);
    const { type, dims } = first;
    if (dims[0] !== 1 || !ArrayBuffer.isView(first.data)) return null;
    if (!tensors.every((tensor) => tensor.dims.join() === dims.join())) return null;
    const length = first.data.length;
    const data = memoryFor(name, first.data as Float32Array, length * feeds.length, scratch);
    tensors.forEach((tensor, i) => data.set(tensor.data as Float32Array, i * length));
    joined[name] = { type, dims: [feeds.length, ...dims.slice(1)], data };
  }

  return joined;
}

function splitResults(results: Results, count: number): Results[] | null {
  const tensors = Object.entries(results);
  if (!tensors.every(([, { dims, data }]) => dims[0] === count && ArrayBuffer.isView(data))) return null;
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      tensors.map(([name, { type, dims, data }]) => {
        const length = data.length / count;
        const row = (data as Float32Array).slice(i * length, (i + 1) * length) as TensorData;
        return [name, { type, dims: [1, ...dims.slice(1)], data: row }];
      }),
    ),
  );
}
