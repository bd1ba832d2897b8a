import type { Store } from './store.js';
import type { Unit } from './unit.js';

/**
 * What becomes of a unit that was offered. done: its result is in the store; here: whoever offered it computes it; elsewhere: it is
 * another process's, which has not computed it yet.
 */
type Outcome = 'done' | 'here' | 'elsewhere';

export interface Offer {
  readonly key: string;
  readonly unit: Unit;
  /** Which of the units of its measurement it is. */
  readonly position: number;
  /** Whether it is wanted because of what others came to: it cannot be foreseen. */
  readonly isSequel: boolean;
}

/** How units find somebody who computes them. Only keys and numbers go this way: results lie in the store. */
export interface Transport {
  /** Units of so many models are worth offering at once. */
  readonly width: number;
  readonly offer: (offer: Offer) => Promise<Outcome>;
}

/** The share that a unit belongs to, 0 … shares − 1: those of one model go round, beginning anywhere. */
export const shareOf = (
  { unit: { model }, position }: Pick<Offer, 'unit' | 'position'>,
  shares: number,
): number => (Number.parseInt(model.slice(0, 8), 16) + position) % shares;

/** All models that are known to be wanted: a share computes everything of its own before it has to stop. */
const EVERY_MODEL = 1 << 20;

const LOOK_EVERY_MS = 500;

/**
 * One of several processes that know nothing of each other but the store. `index`: 0 … shares − 1; `wait`: seconds for which the results
 * of others are waited for.
 */
export function shareTransport(
  index: number,
  shares: number,
  { store, wait }: { readonly store: Pick<Store, 'result'>; readonly wait: number },
): Transport {
  return {
    width: EVERY_MODEL,
    async offer(offer) {
      if (offer.isSequel) return 'elsewhere';
      if (shareOf(offer, shares) === index) return 'here';
      for (const end = performance.now() + 1000 * wait; performance.now() < end;) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
        if ((await store.result(offer.key, offer.unit)) !== null) return 'done';
      }

      return 'elsewhere';
    },
  };
}

/** Whoever puts shares together computes what no share could foresee. */
export const mergeTransport: Transport = {
  width: EVERY_MODEL,
  offer: ({ isSequel }) => Promise.resolve(isSequel ? 'here' : 'elsewhere'),
};
