export * from './ignoredScope.js';
export * from './pattern.js';
