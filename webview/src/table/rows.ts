import { element } from '../dom.js';
import type { Column } from './order.js';

/** Pixels of a row: all are alike, so that any place of a long table is known without drawing what is above it. */
export const ROW_HEIGHT = 26;

export const rowId = (index: number) => `row-${index}`;

export function rowOf<R>(columns: readonly Column<R>[], row: R, index: number, active: number): HTMLElement {
  const cells = columns.map(({ text, numeric }) => {
    const shown = text(row);
    return element('td', { title: shown, ...(numeric === true ? { class: 'number' } : {}) }, shown);
  });

  const made = element(
    'tr',
    { id: rowId(index), 'aria-rowindex': String(index + 2), 'aria-selected': String(index === active) },
    ...cells,
  );
  made.dataset['index'] = String(index);

  return made;
}

/** Stands for rows that are not drawn. */
export function spacer<R>(count: number, columns: readonly Column<R>[]): HTMLElement {
  const cell = element('td', { colspan: String(columns.length) });
  cell.style.height = `${count * ROW_HEIGHT}px`;
  const made = element('tr', { 'aria-hidden': 'true', class: 'spacer' }, cell);
  made.hidden = count === 0;
  return made;
}
