import type { EngineEvent, StageName } from '@quantsmith/schemas';

/** Times the stages and turns their progress into events with an estimate of the seconds left in the stage. */
export interface Clock {
  /** Begins a stage (which ends the one before). */
  readonly stage: (name: StageName, total: number | null) => void;
  /** Progress within the current stage. The first always leaves, of the others about ten a second. */
  readonly progress: (done: number, detail?: string, total?: number) => void;
  /** Milliseconds spent in each stage so far, and in all. */
  readonly timings: () => Readonly<Record<StageName | 'total', number>>;
}

const EVENT_INTERVAL_MS = 100;

export function startClock(emit: (event: EngineEvent) => void): Clock {
  const spent = new Map<StageName, number>();
  const begun = performance.now();
  let current: { name: StageName; total: number | null; since: number } | null = null;
  let lastProgress = 0;

  const close = () => {
    if (current === null) return;
    spent.set(current.name, (spent.get(current.name) ?? 0) + performance.now() - current.since);
  };

  const send = (done: number, detail?: string) => {
    if (current === null) return;
    const { name: stage, total, since } = current;
    const elapsed = (performance.now() - since) / 1000;
    const secondsLeft = total === null || done === 0 ? null : (elapsed / done) * Math.max(0, total - done);
    emit({ type: 'progress', stage, done, total, secondsLeft, ...(detail === undefined ? {} : { detail }) });
  };

  return {
    stage(name, total) {
      close();
      current = { name, total, since: performance.now() };
      lastProgress = -Infinity;
      send(0);
    },
    progress(done, detail, total) {
      if (current === null) return;
      if (total !== undefined) current.total = total;
      const last = current.total !== null && done >= current.total;
      if (!last && performance.now() - lastProgress < EVENT_INTERVAL_MS) return;
      lastProgress = performance.now();
      send(done, detail);
    },
    timings() {
      close();
      if (current !== null) current.since = performance.now();
      const seconds = (name: StageName) => spent.get(name) ?? 0;

      return {
        load: seconds('load'),
        prepare: seconds('prepare'),
        choose: seconds('choose'),
        calibrate: seconds('calibrate'),
        quantize: seconds('quantize'),
        correct: seconds('correct'),
        verify: seconds('verify'),
        validate: seconds('validate'),
        rank: seconds('rank'),
        restore: seconds('restore'),
        measure: seconds('measure'),
        write: seconds('write'),
        total: performance.now() - begun,
      };
    },
  };
}
