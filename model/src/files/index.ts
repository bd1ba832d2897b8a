export * from './hash.js';
export * from './place.js';
export * from './pseudo.js';
export * from './regular.js';
export * from './write.js';
