/** Runs what it is given one after the other, in the order in which it was given. */
export function oneAtATime(): <T>(body: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (body) => {
    const result = last.then(body);
    last = result.catch(() => undefined);
    return result;
  };
}
