export * from './denseConstants.js';
export * from './freshNames.js';
export * from './graph.js';
export * from './inlineFunctions.js';
export * from './reach.js';
export * from './rename.js';
