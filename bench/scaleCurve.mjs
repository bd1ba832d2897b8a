// How much faster runs should be with more workers, by simulation (bench/scale/simulate.mjs) with figures that bench/scale.mjs has
// measured for MobileNetV2; those of the transformer are assumed.
//
//   node bench/scaleCurve.mjs [--json FILE of bench/scale.mjs]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { plannedRun, simulate } from './scale/simulate.mjs';

const { json } = parseArgs({ options: { json: { type: 'string' } } }).values;
const measured = json === undefined ? null : JSON.parse(readFileSync(json, 'utf8'));
const perJob = measured?.perJob ?? 0.003;
const mobilenet = {
  groups: 53,
  perSample: 0.02,
  load: 0.35,
  pack: 0.1,
  head: 20,
  tail: 8,
  ...measured?.costs,
};
const transformer = { groups: 300, perSample: 0.25, load: 4, pack: 1, head: 600, tail: 60 };
const search = { missed: 20, met: 5 };

const WORKERS = [1, 2, 8, 64, 512];
for (const [name, facts] of [
  ['MobileNetV2, 1,000 samples', { ...mobilenet, samples: 1000 }],
  ['MobileNetV2, 50,000 samples', { ...mobilenet, samples: 50_000 }],
  ['300 layers, 1,000 samples', { ...transformer, samples: 1000 }],
  ['300 layers, 50,000 samples', { ...transformer, samples: 50_000 }],
]) {
  const run = plannedRun({ ...facts, ...search });
  const seconds = WORKERS.map((workers) => simulate(run, { workers, perJob }));
  const [alone = 0] = seconds;
  const cells = seconds.map(
    (value, i) => `${WORKERS[i]}: ${value.toFixed(0)} s (${(alone / value).toFixed(1)})`,
  );
  console.log(`${name}: ${cells.join(', ')}`);
}
