import { QuantsmithError, tableOf, append } from '@quantsmith/schemas';
import { run as runRaw, type Session } from './session.js';
import { asFloat32, type HostTensor, type TensorData } from '@quantsmith/model/arrays';

export type Feeds = Readonly<Record<string, HostTensor>>;
export type Results = Readonly<Record<string, HostTensor>>;

/** Windows that go through a model one after the other, some inputs taking what the window before gave. */
export interface Sequence {
  /** What each feeds; the first one's states too. */
  readonly frames: readonly Feeds[];
  /** Input → output that it takes. */
  readonly states: Readonly<Record<string, string>>;
  /** Whether the results are those of all windows, one after the other, or of the last one. */
  readonly result: 'joined' | 'last';
}

/** Samples whose feeds lie in one list: how many each has, one after the other. */
export interface Grouped extends Omit<Sequence, 'frames'> {
  readonly lengths: readonly number[];
}

/** What is run of some samples: their feeds, and how these are grouped where samples are sequences. */
export function feedsOf(samples: readonly { readonly feeds: Feeds; readonly sequence?: Sequence }[]): {
  readonly feeds: readonly Feeds[];
  readonly grouped: Grouped | null;
} {
  const sequences = samples.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
  const [first] = sequences;
  if (first === undefined) return { feeds: samples.map(({ feeds }) => feeds), grouped: null };
  const { states, result } = first;
  const lengths = sequences.map(({ frames }) => frames.length);

  return { feeds: sequences.flatMap(({ frames }) => frames), grouped: { states, result, lengths } };
}

/**
 * The results of some samples, each of batch size one, in their order; up to `batch` of them go through the model at once.
 * Samples that cannot be joined (several images of different sizes) run alone, as do all where the outputs are not one
 * row for each sample. Throws what a single inference throws, with the sample's index as `data.position`.
 */
export async function runSamples(
  session: Session,
  feeds: readonly Feeds[],
  { outputs, batch, scratch, grouped = null }: RunOptions,
): Promise<Results[]> {
  const results: Results[] = [];
  if (grouped !== null) {
    const { lengths, ...followed } = grouped;
    for (let [index, start] = [0, 0]; index < lengths.length; start += lengths[index++]!) {
      const frames = feeds.slice(start, start + lengths[index]!);
      results.push(await runSequence(session, { ...followed, frames }, index, { outputs, scratch }));
    }

    return results;
  }

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

/** The results of one sample, be it a sequence. */
export async function runSample(
  session: Session,
  sample: { readonly feeds: Feeds; readonly sequence?: Sequence },
): Promise<Results> {
  if (sample.sequence === undefined) return runRaw(session, sample.feeds);
  const { feeds, grouped } = feedsOf([sample]);
  const [results] = await runSamples(session, feeds, { outputs: undefined, batch: 1, grouped });
  return results!;
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
  return run(session, ownFeeds(feeds, scratch), outputs).catch(atPosition(position));
}

function atPosition(position: number): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof QuantsmithError)) throw error;
    throw new QuantsmithError({ ...error.problem, data: { ...error.problem.data, position } });
  };
}

/** What the windows of a sequence give besides their states. */
async function runSequence(
  session: Session,
  { frames, states, result }: Sequence,
  position: number,
  { outputs, scratch }: Pick<RunOptions, 'outputs' | 'scratch'>,
): Promise<Results> {
  const fed = Object.values(states);
  const wanted = outputs === undefined ? undefined : [...new Set([...outputs, ...fed])];
  const windows: Results[] = [];
  let carried: Feeds = {};
  for (const frame of frames) {
    const feeds = ownFeeds({ ...frame, ...carried }, scratch);
    const results = await runRaw(session, feeds, wanted).catch(atPosition(position));
    carried = carriedStates(states, results);
    if (result === 'last') windows.pop();
    windows.push(withoutOutputs(results, fed));
  }

  return joinResults(windows);
}

/** The outputs of one window as the state inputs of the next. */
export function carriedStates(states: Sequence['states'], results: Results): Feeds {
  const carried = tableOf<HostTensor>();
  for (const [input, output] of Object.entries(states)) {
    const value = results[output];
    if (value !== undefined) carried[input] = value;
  }

  return carried;
}

function withoutOutputs(results: Results, excluded: readonly string[]): Results {
  return tableOf(
    Object.fromEntries(
      Object.entries(results).flatMap(([name, tensor]) =>
        excluded.includes(name) ? [] : [[name, asFloat32(tensor)] as const],
      ),
    ),
  );
}

/** Results of one window after the other as those of one sample, along the first axis. */
function joinResults(windows: readonly Results[]): Results {
  const [first] = windows;
  if (first === undefined || windows.length === 1) return first ?? {};
  return tableOf(
    Object.fromEntries(
      Object.entries(first).map(([name, { type, dims }]) => {
        const tensors = windows.map((results) => results[name]!);
        const rest = dims.slice(1);
        const rows = tensors.reduce((sum, { data }) => sum + data.length, 0);
        const row = rest.reduce((all, dim) => all * dim, 1);
        return [
          name,
          { type, dims: [row === 0 ? 0 : rows / row, ...rest], data: joinData(tensors) },
        ] as const;
      }),
    ),
  );
}

function joinData(tensors: readonly HostTensor[]): TensorData {
  const [{ data: first }] = tensors as readonly [HostTensor];
  if (!ArrayBuffer.isView(first)) return tensors.flatMap(({ data }) => [...(data as string[])]);
  const Data = first.constructor as new (length: number) => Float32Array;
  const joined = new Data(tensors.reduce((sum, { data }) => sum + data.length, 0));
  let start = 0;
  for (const { data } of tensors) {
    joined.set(data as Float32Array, start);
    start += data.length;
  }

  return joined;
}

/** Memory that inputs are copied to before each inference, by what it is for: the runtime does not take shared memory. */
export type Scratch = Map<string, TensorData>;

export interface RunOptions {
  /** Only these tensors. */
  readonly outputs: readonly string[] | undefined;
  readonly batch: number;
  /** Left out or null: each feeds is a sample. */
  readonly grouped?: Grouped | null;
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
