import type { ModelPageData, ModelRow } from '@quantsmith/report';
import { element } from '../dom.js';
import { matcher } from '../table/order.js';
import { KINDS, searchText } from './columns.js';

/** Which layers somebody wants to see. */
export interface Choice {
  readonly search: string;
  /** Empty: all. */
  readonly operator: string;
  /** The title of one of the kinds. */
  readonly kind: string;
}

export const ALL: Choice = { search: '', operator: '', kind: KINDS[0].title };

export interface Filters {
  readonly choose: (choice: Choice) => void;
}

/** Controls that choose among the layers. `onChange` gets what is chosen, and the rows that it leaves. */
export function createFilters(
  place: HTMLElement,
  { rows, ...known }: ModelPageData,
  onChange: (choice: Choice, rows: readonly ModelRow[]) => void,
): Filters {
  const search = element('input', { type: 'search', id: 'search', placeholder: 'Name, operator, attribute' });
  const operators = [...new Set(rows.map(({ op }) => op))].sort();
  const operator = element(
    'select',
    {},
    element('option', { value: '' }, 'All operators'),
    ...operators.map((op) => element('option', { value: op }, op)),
  );
  const kinds = KINDS.filter(({ needs }) => needs === null || known[needs]);
  const kind = element('select', {}, ...kinds.map(({ title }) => element('option', { value: title }, title)));
  const apply = () => {
    const matches = matcher(search.value);
    const { title, has } = kinds.find(({ title }) => title === kind.value) ?? KINDS[0];
    const chosen = rows.filter(
      (row) => (operator.value === '' || row.op === operator.value) && has(row) && matches(searchText(row)),
    );
    onChange({ search: search.value, operator: operator.value, kind: title }, chosen);
  };

  for (const control of [search, operator, kind]) control.addEventListener('input', apply);
  place.replaceChildren(
    element('label', {}, 'Search', search),
    element('label', {}, 'Operator', operator),
    element('label', {}, 'Show', kind),
  );

  return {
    choose(choice) {
      search.value = choice.search;
      // What another version of the model had may be gone.
      operator.value = operators.includes(choice.operator) ? choice.operator : ALL.operator;
      kind.value = kinds.some(({ title }) => title === choice.kind) ? choice.kind : ALL.kind;
      apply();
    },
  };
}
