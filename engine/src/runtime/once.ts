/** What was made under this key before, or is made now. A key, as JSON, names all that the result follows from. */
export type Once = <T>(
  key: readonly unknown[],
  make: () => Promise<T>,
  /** Called when it is let go. */
  release?: (value: T) => Promise<void>,
) => Promise<T>;
