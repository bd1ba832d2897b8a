import { connectHost, sortTables } from '@quantsmith/report/page';
import type { FromModelPage, ModelPageData, ModelRow, ToModelPage } from '@quantsmith/report';
import { button, element, part } from '../dom.js';
import type { GraphPanel } from '../graph/panel.js';
import { matcher } from '../table/order.js';
import { createTable, type Table } from '../table/table.js';
import { columnsOf, KINDS, searchText } from './columns.js';
import { showDetails, showWeights } from './details.js';

const host = connectHost();
const send = (message: FromModelPage) => host?.post(message);
addEventListener('message', ({ data }: MessageEvent<ToModelPage>) => receive(data));
sortTables(document);

/** What is shown of the model that came last. */
interface Shown {
  readonly rows: ReadonlyMap<string, ModelRow>;
  readonly table: Table<ModelRow>;
  readonly select: (row: ModelRow) => void;
  /** Shows all layers again, so that any can be selected. */
  readonly showAll: () => void;
}

let shown: Shown | null = null;
let graph: GraphPanel | null = null;
let selected: string | null = null;

send({ type: 'ready' });

function receive(message: ToModelPage): void {
  if (message.type === 'model') show(message.data);
  else if (message.type === 'reveal') reveal(message.layer);
  else if (message.layer === selected) showWeights(part('weights'), message.weights, message.problem);
}

function show(data: ModelPageData): void {
  const table = createTable(part('layers'), 'Layers', columnsOf(data), (row) => select(row));
  const select = (row: ModelRow) => {
    selected = row.name;
    graph?.reveal(row.name);
    showDetails(part('details'), row, data, {
      change: (layer, change, config) => send({ type: 'change', layer, change, config }),
      weights: (layer) => send({ type: 'weights', layer }),
    });
  };
  const showAll = filters(data, table);

  part('details').replaceChildren(
    element('p', { class: 'quiet' }, 'Select a layer to see all that is known of it.'),
  );
  shown = { table, select, showAll, rows: new Map(data.rows.map((row) => [row.name, row])) };
  graph = null;
  part('graph').replaceChildren(
    button('Draw graph', () => void openGraph(data.rows.filter(({ isHere }) => isHere))),
  );
}

/** Controls that choose among the layers. Returns what resets them. */
function filters({ rows, ...known }: ModelPageData, table: Table<ModelRow>): () => void {
  const search = element('input', { type: 'search', id: 'search', placeholder: 'Name, operator, attribute' });
  const operators = [...new Set(rows.map(({ op }) => op))].sort();
  const operator = element(
    'select',
    {},
    element('option', { value: '' }, 'All operators'),
    ...operators.map((op) => element('option', { value: op }, op)),
  );
  const kinds = KINDS.filter(({ needs }) => needs === null || known[needs]);
  const kind = element(
    'select',
    {},
    ...kinds.map(({ title }, index) => element('option', { value: String(index) }, title)),
  );
  const apply = () => {
    const matches = matcher(search.value);
    const has = kinds[Number(kind.value)]?.has ?? (() => true);
    const chosen = rows.filter(
      (row) => (operator.value === '' || row.op === operator.value) && has(row) && matches(searchText(row)),
    );
    table.show(chosen);
    part('shown').textContent =
      `${chosen.length.toLocaleString('en')} of ${rows.length.toLocaleString('en')} layers`;
  };

  for (const control of [search, operator, kind]) control.addEventListener('input', apply);
  part('filters').replaceChildren(
    element('label', {}, 'Search', search),
    element('label', {}, 'Operator', operator),
    element('label', {}, 'Show', kind),
  );
  apply();

  return () => {
    search.value = '';
    operator.value = '';
    kind.value = '0';
    apply();
  };
}

/** Selects a layer wherever it is shown. */
function reveal(layer: string): void {
  const row = shown?.rows.get(layer);
  if (shown === null || row === undefined) return;
  if (!shown.table.select(row)) {
    shown.showAll();
    shown.table.select(row);
  }

  shown.select(row);
  part('layers').scrollIntoView({ block: 'nearest' });
}

/** Loads what draws graphs: most who look at a model need it not. */
async function openGraph(rows: readonly ModelRow[]): Promise<void> {
  const { openGraph: open } = await import('../graph/panel.js');
  graph = open(part('graph'), rows, reveal);
  if (selected !== null) graph.reveal(selected);
}
