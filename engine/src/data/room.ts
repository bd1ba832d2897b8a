/** Runs work when there is room for the bytes that it takes. */
export type Room = <T>(bytes: number, work: () => Promise<T>) => Promise<T>;

/**
 * Room for so many bytes at once, first come, first served. Work that takes more than all of it runs alone.
 */
export function openRoom(maxBytes: number): Room {
  const waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  let taken = 0;
  const admit = () => {
    for (let [next] = waiting; next !== undefined; [next] = waiting) {
      if (taken > 0 && taken + next.bytes > maxBytes) return;
      waiting.shift();
      taken += next.bytes;
      next.start();
    }
  };

  return async (bytes, work) => {
    await new Promise<void>((start) => {
      waiting.push({ bytes, start });
      admit();
    });
    try {
      return await work();
    } finally {
      taken -= bytes;
      admit();
    }
  };
}
