export * from './graph.js';
export * from './reach.js';
