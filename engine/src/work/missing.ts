import { fail, type Problem, type SharedWork } from '@quantsmith/schemas';
import { shareOf, type Offer } from './transport.js';

/** How a share ends that can go no further, and a merge that finds something missing. */
export function missingProblem(work: SharedWork, offers: readonly Offer[]): Problem {
  const { role, shares: count } = work;
  if (role === 'share' && offers.every(({ isSequel }) => isSequel)) return shareComplete(work);
  const units = offers.length === 1 ? '1 unit of work' : `${offers.length} units of work`;
  const shares =
    count === undefined
      ? []
      : [...new Set(offers.map((offer) => shareOf(offer, count) + 1))].sort((a, b) => a - b);
  const named =
    shares.length === 0 ? '' : ` of ${shares.length === 1 ? 'share' : 'shares'} ${shares.join(', ')}`;
  const what = `${units}${named}`;
  const data = { units: offers.map(({ key }) => key), shares };

  return role === 'share'
    ? {
        code: 'share-waits',
        severity: 'info',
        message: `Share ${nameOf(work)} has computed what it can: it still needs ${what}. Run it again once the others have run.`,
        data,
      }
    : {
        code: 'shares-missing',
        severity: 'error',
        message: `The store lacks ${what}: \`quantsmith shard\` computes them.`,
        data,
      };
}

export const shareComplete = (work: SharedWork | undefined): Problem => ({
  code: 'share-complete',
  severity: 'info',
  message: `Share ${nameOf(work)} is complete; when all are, \`quantsmith merge\` makes the model.`,
});

const nameOf = (work: SharedWork | undefined) => `${work?.share ?? 1} of ${work?.shares ?? 1}`;

/** Whether a share ends so as it should. */
export const isEndOfShare = ({ code }: Problem): boolean =>
  code === 'share-complete' || code === 'share-waits';

/** Refuses work that no process can share. */
export function noValidation(): never {
  return fail(
    'nothing-to-share',
    'Without validation data there is nothing to measure that could be shared.',
    {
      configPath: ['data'],
    },
  );
}
