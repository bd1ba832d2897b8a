import type { QuantizationReport } from './generated/report.js';

type Restoration = NonNullable<QuantizationReport['restoration']>;

/**
 * The candidates for float that restoration looked at alone, in its order. Of the others nothing is known: one that is enough ends the
 * look at them, as the time limit does.
 */
export const candidatesSeen = ({ candidates = [] }: Restoration) =>
  candidates.filter(({ output_error: error, drop_alone: drop }) => error !== null || drop !== null);
