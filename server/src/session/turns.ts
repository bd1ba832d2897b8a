/** Milliseconds of checking after which others get their turn. */
const TURN_MS = 1;
/** Milliseconds that checking waits for answers at most. */
const MAX_HELD_MS = 50;
/** Rounds of the event loop in which what has arrived becomes a request that is being answered. */
const ROUNDS = 3;

/** What nobody waits for gives way to what somebody asks. */
export interface Turns {
  /** Counts a request until it is answered. */
  readonly answering: <T>(answer: Promise<T>) => Promise<T>;
  /** Lets what has arrived be read, and waits until no request is being answered. */
  readonly pause: () => Promise<void>;
  /** Takes steps until the end, with pauses between them; null: `isOvertaken` said that nobody needs the end any more. */
  readonly finish: <T>(steps: Iterator<undefined, T>, isOvertaken: () => boolean) => Promise<T | null>;
}

export function createTurns(): Turns {
  let pending = 0;
  let waiting: (() => void)[] = [];
  const answered = () => {
    pending--;
    if (pending > 0) return;
    for (const go of waiting) go();
    waiting = [];
  };

  const pause = async () => {
    for (let round = 0; round < ROUNDS; round++) await new Promise((resolve) => setImmediate(resolve));
    if (pending === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, MAX_HELD_MS);
      waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  };

  return {
    async answering(answer) {
      pending++;
      try {
        return await answer;
      } finally {
        answered();
      }
    },
    pause,
    async finish(steps, isOvertaken) {
      let begun = performance.now();
      for (;;) {
        const { done, value } = steps.next();
        if (done === true) return value;
        if (performance.now() - begun < TURN_MS) continue;
        await pause();
        if (isOvertaken()) return null;
        begun = performance.now();
      }
    },
  };
}
