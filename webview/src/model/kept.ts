import type { Host } from '@quantsmith/report/page';
import type { Sorting } from '../table/order.js';
import { ALL, type Choice } from './filters.js';

/** What the page is to show again after it was hidden or made anew: the editor throws hidden pages away. */
export interface Kept {
  /** The layer that is selected. */
  readonly selected: string | null;
  readonly choice: Choice;
  readonly sorting: Sorting | null;
  readonly hasGraph: boolean;
  /** Pixels that the page is scrolled by. */
  readonly scrolled: number;
}

/** What was kept, as far as it is what this version keeps. */
export function keptBy(host: Host | null): Kept {
  const { selected, choice, sorting, hasGraph, scrolled } = (host?.kept ?? {}) as Partial<Kept>;
  return {
    selected: typeof selected === 'string' ? selected : null,
    choice: isChoice(choice) ? choice : ALL,
    sorting: typeof sorting?.column === 'number' ? sorting : null,
    hasGraph: hasGraph === true,
    scrolled: typeof scrolled === 'number' ? scrolled : 0,
  };
}

const isChoice = (choice: Choice | undefined): choice is Choice =>
  [choice?.search, choice?.operator, choice?.kind].every((part) => typeof part === 'string');
