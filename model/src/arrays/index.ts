export * from './npy.js';
export * from './tensor.js';
