// What pages with scripts of their own share with the script of every page.
export { connectHost, type Host } from './host.js';
export { compareKeys } from './sortKey.js';
export { sortTables } from './sortTables.js';
