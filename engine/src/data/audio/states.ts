import { type HostTensor } from '@quantsmith/model/arrays';
import { tableOf } from '@quantsmith/schemas';
import { convertTo } from '../convert.js';
import { carriedStates, type Feeds } from '../../runtime/batch.js';
import type { Stretch } from './frames.js';

/** Bytes of states that are kept; those of other windows are computed again from the nearest before them. */
const KEPT_STATES_BYTES = 48 * 2 ** 20;

export interface StateInput {
  /** Input → output. */
  readonly states: Readonly<Record<string, string>>;
  readonly zeros: Feeds;
  readonly stretches: readonly Stretch[];
  /** What a window of a stretch feeds besides the states. */
  readonly windowAt: (stretch: Stretch, offset: number) => Promise<Feeds>;
  readonly run: (feeds: Feeds) => Promise<Feeds>;
}

/**
 * The states that the float model has come to before a window: zeros at the start of a stretch, then what it gave for the windows
 * before, which are run once where windows are asked for in order.
 */
export function floatStates(input: StateInput): (stretch: number, offset: number) => Promise<Feeds> {
  const { states, zeros, stretches, windowAt, run } = input;
  const kept = new Map<string, Feeds>();
  let bytes = 0;
  let latest = { stretch: -1, offset: 0, carried: zeros };
  let last: Promise<unknown> = Promise.resolve();

  const advance = async (index: number, offset: number): Promise<Feeds> => {
    const stretch = stretches[index]!;
    const known = kept.get(`${index} ${offset}`);
    if (known !== undefined) return known;
    const isAhead = latest.stretch === index && latest.offset <= offset;
    let { carried, offset: reached } = isAhead ? latest : { carried: zeros, offset: 0 };
    for (; reached < offset; reached++) {
      const results = await run({ ...(await windowAt(stretch, reached)), ...carried });
      carried = typedAs(zeros, carriedStates(states, results));
    }

    latest = { stretch: index, offset, carried };
    const size = Object.values(carried).reduce((sum, { data }) => sum + 8 * data.length, 0);
    if (bytes + size <= KEPT_STATES_BYTES) {
      kept.set(`${index} ${offset}`, carried);
      bytes += size;
    }

    return carried;
  };

  // One after the other: the way to a later window leads through the earlier ones.
  return (stretch, offset) => {
    const next = last.then(() => advance(stretch, offset));
    last = next.catch(() => undefined);
    return next;
  };
}

/** States in the types that the inputs have: whoever runs models gives halves as float32. */
function typedAs(zeros: Feeds, carried: Feeds): Feeds {
  const typed = tableOf<HostTensor>();
  for (const [name, { type }] of Object.entries(zeros)) {
    const value = carried[name];
    if (value === undefined) continue;
    const data = convertTo(type, value.data, { name: `input "${name}"`, configPath: ['data'] });
    typed[name] = { type, dims: value.dims, data };
  }

  return typed;
}
