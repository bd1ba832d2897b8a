import { append, QuantsmithError } from '@quantsmith/schemas';
import { withOutputs } from '@quantsmith/model/onnx';
import { firstIndices, readAhead } from '../data/source.js';
import type { Sample, SampleSource } from '../data/types.js';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Feeds } from '../runtime/batch.js';
import { createSession, run } from '../runtime/session.js';
import { watchBodies, type BodyPlace, type Watch } from './watch.js';

/** Samples that are kept of what a body is given, and bytes of them. */
const KEPT = { samples: 300, bytes: 48 * 2 ** 20 };

export interface ObservedBody {
  readonly place: BodyPlace;
  /** What it was given; empty: no sample runs it. */
  readonly samples: readonly Sample[];
}

/**
 * What the bodies of a node are given while the float model runs over calibration samples. null: they cannot be looked at
 * (a tensor changes its shape from round to round, or is a sequence).
 */
export async function observeBodies(
  prepared: PreparedModel,
  owner: string,
  { source, samples, threads }: { source: SampleSource; samples: number; threads: number },
): Promise<ObservedBody[] | null> {
  const node = prepared.graph.node(owner)!;
  const watch = watchBodies(prepared, node);
  try {
    return await observe(prepared, watch, { source, samples, threads });
  } catch (error) {
    if (!(error instanceof QuantsmithError) || error.problem.code === 'runtime-out-of-memory') throw error;
    return null;
  }
}

async function observe(
  prepared: PreparedModel,
  watch: Watch,
  { source, samples, threads }: { source: SampleSource; samples: number; threads: number },
): Promise<ObservedBody[]> {
  const graph = prepared.model.graph;
  const node = graph.node.map((old) => (old.name === watch.node.name ? watch.node : old));
  const modelInputs = new Set(prepared.graph.inputs);
  const fetched = [...new Set(watch.tensors)].filter((tensor) => !modelInputs.has(tensor));
  const model = withOutputs({ ...prepared.model, graph: { ...graph, node } }, fetched);
  const session = await createSession(model, { threads, dir: prepared.dir });
  const kept = new Map(
    watch.places.map((place) => [place.attribute, { place, samples: [] as Sample[], bytes: 0 }]),
  );

  try {
    for await (const sample of readAhead(source, firstIndices(samples))) {
      const results = await run(session, sample.feeds, fetched);
      for (const { place, feeds } of watch.read({ ...sample.feeds, ...results })) {
        const entry = kept.get(place.attribute)!;
        const room = feeds.filter((_, index) => entry.samples.length + index < KEPT.samples);
        const bytes = room.reduce((sum, feeds) => sum + bytesOf(feeds), 0);
        if (entry.samples.length > 0 && entry.bytes + bytes > KEPT.bytes) continue;
        entry.bytes += bytes;
        append(
          entry.samples,
          room.map((feeds) => ({ name: sample.name, feeds: feeds, label: null })),
        );
      }
    }
  } finally {
    await session.release();
  }

  return [...kept.values()].map(({ place, samples: seen }) => ({ place, samples: seen }));
}

function bytesOf(feeds: Feeds): number {
  return Object.values(feeds).reduce(
    (sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : 64 * data.length),
    0,
  );
}
