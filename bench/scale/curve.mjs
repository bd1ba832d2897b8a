import { plannedRun, simulate } from './simulate.mjs';

/** Seconds of one thread, as bench/scale.mjs has measured them where nothing else is given. */
const MOBILENET = { perSample: 0.02, load: 0.35, pack: 0.1, head: 20, tail: 8 };
/** Assumed: nobody here has such a model. */
const TRANSFORMER = { groups: 300, perSample: 0.25, load: 4, pack: 1, head: 600, tail: 60 };
const PER_JOB = 0.002;
/** States that the search looks at after the ranking. */
const SEARCH = { missed: 20, met: 5 };
const WORKERS = [1, 2, 8, 64, 512];

/** Lines that say how much faster runs should be with more workers that have a core each. `measured`: costs of MobileNetV2. */
export function curve(perJob = PER_JOB, measured = {}) {
  const mobilenet = { groups: 53, ...MOBILENET, ...measured };
  return [
    ['MobileNetV2, 1,000 samples', { ...mobilenet, samples: 1000 }],
    ['MobileNetV2, 50,000 samples', { ...mobilenet, samples: 50_000 }],
    ['300 layers (assumed), 1,000 samples', { ...TRANSFORMER, samples: 1000 }],
    ['300 layers (assumed), 50,000 samples', { ...TRANSFORMER, samples: 50_000 }],
  ].map(([name, facts]) => {
    const run = plannedRun({ ...facts, ...SEARCH });
    const seconds = WORKERS.map((workers) => simulate(run, { workers, perJob }));
    const cells = seconds.map(
      (value, i) => `${WORKERS[i]}: ${value.toFixed(0)} s (${(seconds[0] / value).toFixed(1)})`,
    );

    return `${name}: ${cells.join(', ')}`;
  });
}
