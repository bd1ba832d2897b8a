/** How long an answer waits for what files say, and who is told when something comes after that. */
export interface PatienceOptions {
  readonly milliseconds: number;
  readonly onLate: () => void;
}

/** Waits for everything: the command line. */
export const WAITS: PatienceOptions = { milliseconds: Number.POSITIVE_INFINITY, onLate: () => undefined };

export interface Patience {
  /** The value, or what stands for it where it takes too long. */
  readonly soon: <T>(value: Promise<T>, meanwhile: T) => Promise<T>;
}

/** One deadline for all that an answer waits for. */
export function createPatience({ milliseconds, onLate }: PatienceOptions): Patience {
  if (!Number.isFinite(milliseconds)) return { soon: (value) => value };

  const deadline = new Promise<void>((resolve) => setTimeout(resolve, milliseconds).unref());
  return {
    async soon(value, meanwhile) {
      let isThere = false;
      const watched = value.then((settled) => {
        isThere = true;
        return settled;
      });

      const first = await Promise.race([watched, deadline.then(() => meanwhile)]);
      if (!isThere) void watched.then(onLate, () => undefined);

      return first;
    },
  };
}
