import type { ClassValue } from './metric.js';

/** The value over the samples of each class, by class. */
export function byLabel<State>(
  states: readonly State[],
  labelOf: (state: State) => number,
  result: (states: readonly State[]) => number,
): ClassValue[] {
  const statesByClass = new Map<number, State[]>();
  for (const state of states) {
    const label = labelOf(state);
    const found = statesByClass.get(label);
    if (found === undefined) statesByClass.set(label, [state]);
    else found.push(state);
  }

  return [...statesByClass]
    .sort(([a], [b]) => a - b)
    .map(([label, some]) => ({ class: label, count: some.length, value: result(some) }));
}
