export * from './refusals.js';
export * from './structure.js';
