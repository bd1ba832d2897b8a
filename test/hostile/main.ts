import { readModel } from '@quantsmith/model/onnx';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { excesses, type Outcome } from './attempt.js';
import { casesBeside } from './beside.js';
import { checkedByProcess, throughCheck } from './checks.js';
import { throughData } from './data.js';
import { openKills } from './kills.js';
import { book, openLedger, type Tally } from './ledger.js';
import { throughGraph } from './models.js';
import { MAX_RUN_MS, ranByProcess } from './runs.js';
import { seedModels } from './onnx.js';

/** One kind of hostile case: what a seed counts as, and what is wrong with it. */
type Campaign = (seed: number) => Promise<{ counted: readonly string[]; faults: readonly string[] }>;

const [root, cli, ...rest] = process.argv.slice(2) as [string, string, ...string[]];
const { values } = parseArgs({
  args: rest,
  options: {
    kind: { type: 'string', default: 'kills' },
    cases: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '600' },
    seed: { type: 'string' },
    commit: { type: 'string', default: 'unknown' },
    ledger: { type: 'string', default: join(root, '.tools/hostile.json') },
  },
});

const example = join(root, 'examples/digits/digits.onnx');
const seeds = readModel(example).then(({ model }) => seedModels(model));

const scratch = mkdtempSync(join(tmpdir(), 'hostile-'));
const runs = casesBeside(fileURLToPath(new URL('./runProcess.mjs', import.meta.url)), [example, scratch]);

const kills = openKills(cli, join(root, 'examples/digits'));

/** Most cases call what the command calls, in a process that serves many; every so many is the command itself. */
const CHECKS_EACH_PROCESS = 30;
const RUNS_EACH_PROCESS = 25;
const isWhole = (seed: number, every: number) => seed % every === 0;

const CAMPAIGNS: Readonly<Record<string, Campaign>> = {
  models: async (seed) => withExcesses(await throughGraph(seed, join(scratch, 'm.onnx'), await seeds)),
  data: async (seed) => withExcesses(await throughData(seed, join(scratch, 'data'))),
  check: async (seed) => {
    const check = isWhole(seed, CHECKS_EACH_PROCESS)
      ? checkedByProcess(seed, scratch, await seeds, cli)
      : throughCheck(seed, scratch, await seeds);
    return withExcesses(await check);
  },
  run: async (seed) => {
    const run = isWhole(seed, RUNS_EACH_PROCESS)
      ? ranByProcess(seed, join(scratch, 'run'), await seeds, cli)
      : runs.run(seed);
    return withExcesses(await run, MAX_RUN_MS);
  },
  kills: async (seed) => {
    const kill = await kills.kill(seed);
    const { stage, victim, beside, late, outlivedMs } = kill;
    return {
      counted: [
        `at ${stage}`,
        victim,
        ...(beside ? ['with a second run'] : []),
        ...(late ? ['after the end'] : []),
        ...(kill.externalData ? ['external data'] : []),
      ],
      faults: [
        ...kill.faults,
        ...((outlivedMs ?? 0) > MAX_OUTLIVED_MS ? [`the engine lived on for ${outlivedMs} ms`] : []),
      ],
    };
  },
};

/** For how long an engine may outlive its parent. */
const MAX_OUTLIVED_MS = 1500;
/** How often the ledger is written. */
const SAVE_MS = 10_000;

const withExcesses = ({ counted, faults, cost }: Outcome, maxCpuMs?: number) => ({
  counted,
  faults: [...faults, ...excesses(cost, maxCpuMs)],
});

async function main(): Promise<void> {
  const ledger = openLedger(values.ledger);
  const campaign = CAMPAIGNS[values.kind];
  if (campaign === undefined) throw new Error(`--kind is one of ${Object.keys(CAMPAIGNS).join(', ')}`);
  const tally = ledger.of(values.kind);
  const first = values.seed === undefined ? tally.nextSeed : Number(values.seed);
  let saved = Date.now();
  const end = Date.now() + Number(values.minutes) * 60_000;
  for (let seed = first; seed < first + Number(values.cases) && Date.now() < end; seed++) {
    const { counted, faults } = await campaign(seed);
    book(tally, { seed, commit: values.commit, counted, faults });
    for (const fault of faults) console.log(`${values.kind}, seed ${seed}: ${fault}`);
    if (Date.now() > saved + SAVE_MS) {
      ledger.save();
      saved = Date.now();
    }
  }

  ledger.save();
  runs.stop();
  kills.close();
  rmSync(scratch, { recursive: true, force: true });
  console.log(summary(tally));
  process.exitCode = tally.found.length === 0 ? 0 : 1;
}

function summary({ cases, counts, found }: Tally): string {
  const parts = Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`);
  return `${values.kind}: ${cases} cases (${parts.join(', ')}), ${found.length} faults`;
}

await main();
