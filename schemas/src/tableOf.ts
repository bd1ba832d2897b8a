/**
 * A table whose only keys are its own: names come from files, and there `constructor` and `__proto__` are names like any
 * other.
 */
export function tableOf<T>(entries: Readonly<Record<string, T>> = {}): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, entries);
}
