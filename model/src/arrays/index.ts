export * from './halves.js';
export * from './npy.js';
export * from './tensor.js';
