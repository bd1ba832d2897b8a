export * from './einsum.js';
export * from './kernels.js';
export * from './operators.js';
export * from './sign.js';
export type { Property, Trait, WeightPorts } from './table.js';
export * from './standard.js';
export * from './structure.js';
