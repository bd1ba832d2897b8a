import { append, QuantsmithError, type Problem, type Processor } from '@quantsmith/schemas';
import type { SampleState } from '../metrics/metric.js';
import { oneAtATime } from '../runtime/oneAtATime.js';
import type { Measurement, Spread } from '../validation/spread.js';
import { modelPacker } from './packModel.js';
import type { Store } from './store.js';
import type { Offer, Transport } from './transport.js';
import { slices, unitKey, type Unit } from './unit.js';

export interface SpreadInput {
  readonly store: Store;
  readonly transport: Transport;
  /** The key of what is measured on and with; asked for once there is something to measure. */
  readonly subject: () => Promise<string>;
  /** The processor that a model is measured by: which threads it takes follows from its size. */
  readonly processorFor: (measurement: Measurement) => Processor;
  /** Whether others can measure it. */
  readonly fits: (measurement: Measurement) => boolean;
  readonly warn: (problems: readonly Problem[]) => void;
  /** The problem that a run ends with when these are not there and nobody computes them. */
  readonly missing: (offers: readonly Offer[]) => Problem;
}

/** A result that was announced may take so long to be seen: some file systems tell other machines late. */
const SEEN_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 100;

/**
 * Measures by units, whose results lie in a store: what is there is not computed again, and the rest is offered to others. The
 * store is the truth; whatever happens to those others, nothing that lies there is lost.
 */
export function openSpread(input: SpreadInput): Spread {
  const { store, transport } = input;
  const pack = modelPacker(store);
  // Models take memory.
  const turn = oneAtATime();
  const gate = openGate();
  const lookout = openLookout(input);

  const stateOf = async (offer: Offer, here: () => Promise<readonly SampleState[]>) => {
    const { key, unit } = offer;
    const known = await store.result(key, unit);
    if (known !== null) return known;
    const outcome = await transport.offer(offer);
    if (outcome === 'elsewhere') return null;
    const announced = outcome === 'done' ? await lookout.seen(key, unit) : null;
    if (announced !== null) return announced;

    return turn(async () => {
      const meanwhile = await store.result(key, unit);
      if (meanwhile !== null) return meanwhile;
      const states = await here();
      await store.keepResult(key, unit, states);
      return states;
    });
  };

  return {
    width: transport.width,
    measure: (measurement, here, onSample) =>
      gate.within(async () => {
        if (!input.fits(measurement)) return here(measurement.indices);
        const offers = await offersOf(measurement, pack, input);
        let done = 0;
        const states = await Promise.all(
          offers.map(async (offer) => {
            const values = await stateOf(offer, () => here(offer.unit.samples));
            onSample?.((done += values?.length ?? 0));
            return values;
          }),
        );

        const absent = offers.filter((_, i) => states[i] === null);
        if (absent.length > 0) await gate.fail(absent, input.missing);

        return states.flatMap((values) => values ?? []);
      }),
  };
}

async function offersOf(
  measurement: Measurement,
  pack: ReturnType<typeof modelPacker>,
  { subject, processorFor }: SpreadInput,
): Promise<Offer[]> {
  const { what, model, session, reference, task, batch, indices, isSequel } = measurement;
  const shared = {
    what,
    model: await pack(model, session.dir),
    optimization: session.optimization ?? null,
    batch,
    reference:
      reference === null
        ? null
        : { model: await pack(reference.model, reference.dir), batch: reference.batch },
    task,
    subject: await subject(),
    processor: processorFor(measurement),
  };

  return slices(indices).map((samples, position) => {
    const unit: Unit = { ...shared, samples };
    return { key: unitKey(unit), unit, position, isSequel };
  });
}

interface Lookout {
  /** The result that a worker has announced; null: it does not appear. */
  readonly seen: (key: string, unit: Unit) => Promise<readonly SampleState[] | null>;
}

/** Waits for announced results. After one has not appeared, which is told once, others are no longer waited for. */
function openLookout({ store, warn }: Pick<SpreadInput, 'store' | 'warn'>): Lookout {
  let isBlind = false;
  return {
    async seen(key, unit) {
      const end = performance.now() + SEEN_WITHIN_MS;
      for (;;) {
        const states = await store.result(key, unit);
        if (states !== null) return states;
        if (isBlind) return null;
        if (performance.now() >= end) break;
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }

      isBlind = true;
      warn([notSeen(store)]);

      return null;
    },
  };
}

const notSeen = ({ dir }: Store): Problem => ({
  code: 'result-not-seen',
  severity: 'warning',
  message: `A worker has announced a result that is not in ${dir}: is this the folder that it was started with? The samples are measured here.`,
  file: dir,
});

interface Gate {
  readonly within: <T>(body: () => Promise<T>) => Promise<T>;
  readonly fail: (absent: readonly Offer[], problem: SpreadInput['missing']) => Promise<never>;
}

/**
 * Lets measurements that lack results fail together, once all others that were begun have ended: a share computes all that it can
 * before it stops, and everything that is missing is named at once.
 */
function openGate(): Gate {
  let active = 0;
  const missing: Offer[] = [];
  return {
    async within(body) {
      active++;
      try {
        return await body();
      } finally {
        active--;
      }
    },
    async fail(absent, problem) {
      append(missing, absent);
      active--;
      // Those that were begun beside this one have come this far after a turn of the loop.
      do await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      while (active > 0);
      active++;
      throw new QuantsmithError(problem(missing));
    },
  };
}
