import type { GraphRewrite } from '@quantsmith/model/graph';
import { integerTensor, type StorageType } from './storage.js';

/** The name of a constant with these zero points. */
export type ZeroPoints = (dims: readonly number[], storage: StorageType, codes: ArrayLike<number>) => string;

/**
 * Zero points of weights and biases, as constants of the model. Equal ones are stored once: those of symmetric codes are all zero,
 * and of a small network they would take as much room as the biases.
 */
export function sharedZeroPoints(rewrite: GraphRewrite): ZeroPoints {
  const written = new Map<string, string>();
  return (dims, storage, codes) => {
    const key = JSON.stringify([dims, storage, Array.from(codes)]);
    const known = written.get(key);
    if (known !== undefined) return known;
    const name = rewrite.freshName(`zero_point_${[storage, ...dims].join('_')}`);
    rewrite.addInitializer(integerTensor(name, dims, storage, codes));
    written.set(key, name);

    return name;
  };
}
