export * from './captured.js';
export * from './denseConstants.js';
export * from './freshNames.js';
export * from './graph.js';
export * from './inlineFunctions.js';
export * from './order.js';
export * from './reach.js';
export * from './rename.js';
