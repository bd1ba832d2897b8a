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
    const members = statesByClass.get(label);
    if (members === undefined) statesByClass.set(label, [state]);
    else members.push(state);
  }

  return [...statesByClass]
    .sort(([a], [b]) => a - b)
    .map(([label, some]) => ({ class: label, count: some.length, value: result(some) }));
}
