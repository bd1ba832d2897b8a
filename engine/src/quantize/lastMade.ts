import type { QuantizedWeights } from '../weights/quantize.js';

/** Gives what was last made of an object, if it was made from the same; else makes it. Holds no object that nobody else holds. */
export type LastMade<T> = (object: object, from: readonly unknown[], make: () => T) => T;

export function lastMade<T>(): LastMade<T> {
  const last = new WeakMap<object, { readonly from: readonly unknown[]; readonly made: T }>();
  return (object, from, make) => {
    const known = last.get(object);
    if (known?.from.every((part, i) => Object.is(part, from[i])) === true) return known.made;
    const made = make();
    last.set(object, { from, made });
    return made;
  };
}

/** What quantizations of one float model have in common, as long as nothing that it follows from changes between them. */
export interface WeightWork {
  /** Codes of each initializer. */
  readonly codes: LastMade<QuantizedWeights>;
  /** What layers answer to constant inputs, by their weights. */
  readonly responses: LastMade<Float64Array>;
}

export const weightWork = (): WeightWork => ({ codes: lastMade(), responses: lastMade() });
