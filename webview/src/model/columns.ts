import type { ModelPageData, ModelRow } from '@quantsmith/report';
import { decibels } from '@quantsmith/schemas/rounded';
import type { Column } from '../table/order.js';

/** The columns of the table of layers: those of a run and of a comparison only where there is one. */
export function columnsOf({
  hasRun,
  hasFloat,
}: Pick<ModelPageData, 'hasRun' | 'hasFloat'>): Column<ModelRow>[] {
  return [
    { title: 'Layer', width: 24, text: ({ name }) => name },
    { title: 'Operator', width: 12, text: ({ op }) => op },
    { title: 'Output shape', width: 13, text: ({ shape }) => shape },
    { title: 'Constants', width: 17, text: ({ weights }) => weights },
    {
      ...{ title: 'Parameters', width: 11, numeric: true },
      text: ({ parameters }) => (parameters === 0 ? '' : parameters.toLocaleString('en')),
      value: ({ parameters }) => (parameters === 0 ? null : parameters),
    },
    ...(hasRun ? RUN : []),
    ...(hasFloat
      ? [{ title: 'Difference', width: 12, text: ({ difference }: ModelRow) => difference ?? '' }]
      : []),
  ];
}

const RUN: readonly Column<ModelRow>[] = [
  {
    ...{ title: 'SQNR', width: 9, numeric: true },
    text: ({ run }) => (run === null || run.decibels === null ? '' : decibels(run.decibels)),
    value: ({ run }) => run?.decibels ?? null,
  },
  { title: 'Computes as', width: 15, text: ({ run }) => run?.state ?? '' },
  { title: 'Weights', width: 13, text: ({ run }) => run?.weight ?? '' },
];

/** Everything of a row that a search goes through. */
export const searchText = ({ name, op, attributes, shape, weights, run, difference }: ModelRow): string =>
  [name, op, attributes, shape, weights, run?.state, difference].join(' ');

/** Layers that somebody wants to see alone. */
interface Kind {
  readonly title: string;
  /** What must be known of the model. */
  readonly needs: 'hasRun' | 'hasFloat' | null;
  readonly has: (row: ModelRow) => boolean;
}

export const KINDS: readonly [Kind, ...Kind[]] = [
  { title: 'All layers', needs: null, has: () => true },
  { title: 'With constants', needs: null, has: ({ parameters }) => parameters > 0 },
  { title: 'In integers', needs: 'hasRun', has: ({ run }) => run?.isInteger === true },
  { title: 'In float', needs: 'hasRun', has: ({ run }) => run !== null && !run.isInteger },
  { title: 'Restored to float', needs: 'hasRun', has: ({ run }) => run?.isRestored === true },
  { title: 'Different', needs: 'hasFloat', has: ({ difference }) => difference !== 'same' },
];
