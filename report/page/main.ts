// The script of every page. Pages are whole without it; it adds what a person does with them.
import { startCharts } from './charts.js';
import { connectHost } from './host.js';
import { startLayers } from './layers.js';
import { startMessages } from './messages.js';
import { sortTable, sortTables, tablesOf, type Sorting } from './sortTables.js';

const host = connectHost();
const given = document.querySelector<HTMLElement>('main')?.dataset['state'];
if (given !== undefined) host?.keep(JSON.parse(given) as Record<string, unknown>);

const sortings = { ...(host?.kept['sortings'] as Record<number, Sorting> | undefined) };
sortTables(document, (table, sorting) => {
  sortings[table] = sorting;
  host?.keep({ sortings });
});
for (const [index, table] of tablesOf(document).entries()) {
  const sorting = sortings[index] ?? null;
  if (sorting !== null) sortTable(table, sorting);
}

startMessages(host);
startLayers(host);
startCharts(host);
