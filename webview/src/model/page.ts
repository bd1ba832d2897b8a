import { connectHost, sortTables } from '@quantsmith/report/page';
import type { FromModelPage, ModelPageData, ModelRow, ToModelPage } from '@quantsmith/report';
import { button, element, part } from '../dom.js';
import type { GraphPanel } from '../graph/panel.js';
import { createTable, type Table } from '../table/table.js';
import { columnsOf } from './columns.js';
import { showDetails, showWeights } from './details.js';
import { ALL, createFilters, type Filters } from './filters.js';
import { keptBy, type Kept } from './kept.js';

const host = connectHost();
const send = (message: FromModelPage) => host?.post(message);
const keep = (change: Partial<Kept>) => host?.keep({ ...change });
addEventListener('message', ({ data }: MessageEvent<ToModelPage>) => receive(data));
sortTables(document);

/** What is shown of the model that came last. */
interface Shown {
  readonly rows: ReadonlyMap<string, ModelRow>;
  readonly table: Table<ModelRow>;
  readonly filters: Filters;
  readonly select: (row: ModelRow) => void;
}

let shown: Shown | null = null;
let graph: GraphPanel | null = null;
let selected: string | null = null;
/** A layer that was asked for before the model was here. */
let awaited: string | null = null;

send({ type: 'ready' });

function receive(message: ToModelPage): void {
  if (message.type === 'model') void show(message.data);
  else if (message.type === 'reveal') reveal(message.layer);
  else if (message.layer === selected) showWeights(part('weights'), message.weights, message.problem);
}

/** Shows a model as somebody left it. */
async function show(data: ModelPageData): Promise<void> {
  const kept = keptBy(host);
  const select = (row: ModelRow) => {
    selected = row.name;
    keep({ selected });
    graph?.reveal(row.name);
    showDetails(part('details'), row, data, {
      change: (layer, change, config) => send({ type: 'change', layer, change, config }),
      weights: (layer) => send({ type: 'weights', layer }),
    });
  };

  const table = createTable<ModelRow>(part('layers'), {
    ...{ label: 'Layers', columns: columnsOf(data), sorting: kept.sorting, onSelect: select },
    onSort: (sorting) => keep({ sorting }),
  });
  const filters = createFilters(part('filters'), data, (choice, chosen) => {
    keep({ choice });
    table.show(chosen);
    const [few, all] = [chosen, data.rows].map(({ length }) => length.toLocaleString('en'));
    part('shown').textContent = `${few} of ${all} layers`;
  });

  part('details').replaceChildren(element('p', { class: 'quiet' }, 'Select a layer to see its details.'));
  shown = { table, filters, select, rows: new Map(data.rows.map((row) => [row.name, row])) };
  graph = null;
  const draw = () => openGraph(data.rows.filter(({ isHere }) => isHere));
  part('graph').replaceChildren(button('Draw graph', () => void draw()));
  filters.choose(kept.choice);
  const row = shown.rows.get(kept.selected ?? '');
  if (row !== undefined) {
    select(row);
    table.select(row);
  }

  const before = selected;
  if (awaited !== null) reveal(awaited);
  if (kept.hasGraph) await draw();
  // Meanwhile a layer may have been revealed, which is in view then.
  if (selected === before) scrollTo(0, kept.scrolled);
  addEventListener('scroll', () => keep({ scrolled: scrollY }), { passive: true });
}

/** Selects a layer wherever it is shown: among all layers, if it is not among those that were chosen. */
function reveal(layer: string): void {
  awaited = shown === null ? layer : null;
  const row = shown?.rows.get(layer);
  if (shown === null || row === undefined) return;
  if (!shown.table.select(row)) {
    shown.filters.choose(ALL);
    shown.table.select(row);
  }

  shown.select(row);
  part('layers').scrollIntoView({ block: 'nearest' });
}

/** Loads what draws graphs: most who look at a model need it not. */
async function openGraph(rows: readonly ModelRow[]): Promise<void> {
  const { openGraph: open } = await import('../graph/panel.js');
  graph = open(part('graph'), rows, reveal);
  keep({ hasGraph: true });
  if (selected !== null) graph.reveal(selected);
}
