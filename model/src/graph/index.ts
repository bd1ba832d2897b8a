export * from './freshNames.js';
export * from './graph.js';
export * from './reach.js';
export * from './rename.js';
