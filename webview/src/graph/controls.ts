import { button, element } from '../dom.js';

const MAX_DEPTH = 4;

/** What the controls above a graph do. */
export interface Controls {
  readonly find: (text: string) => string;
  /** From which level on blocks are collapsed; 0: from none. */
  readonly depth: number;
  readonly fold: (depth: number) => void;
  readonly zoom: (factor: number) => void;
  readonly start: () => void;
  readonly collapse: HTMLElement;
}

/** Search, blocks and zoom. */
export function controls({ find, depth: first, fold, zoom, start, collapse }: Controls): HTMLElement {
  const search = element('input', { type: 'search', id: 'graph-search', placeholder: 'Name or operator' });
  const hits = element('span', { class: 'quiet', role: 'status' });
  search.addEventListener('keydown', ({ key }) => {
    if (key === 'Enter') hits.textContent = find(search.value);
  });
  const depths = Array.from({ length: MAX_DEPTH + 1 }, (_, depth) =>
    element('option', { value: String(depth) }, depth === 0 ? 'Open' : `Collapsed from level ${depth}`),
  );
  const depth = element('select', {}, ...depths);
  depth.value = String(first);
  depth.addEventListener('change', () => fold(Number(depth.value)));

  return element(
    'div',
    { class: 'filters' },
    element('label', {}, 'Find a node (Enter: the next)', search),
    element('label', {}, 'Blocks by name', depth),
    button('Zoom in', () => zoom(1.5)),
    button('Zoom out', () => zoom(1 / 1.5)),
    button('Start', start),
    collapse,
    hits,
  );
}
