// Kills the engine, the server or the window at each stage of a run, by seed, and looks whether anything is lost:
//   node test/e2e/campaign.mjs [--vsix FILE] [--seed 1] [--kills 27] [--from 0]
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { leftovers, processesOf, runSteps, until } from './driver.mjs';

const CONFIG = 'digits.quant.yaml';
const OUTPUT = 'digits.int8.onnx';
const REPORT = `${OUTPUT}.report.json`;
/** Those that last long enough to be seen; what lies between them is hit by what comes late. */
const STAGES = ['load', 'calibrate', 'quantize', 'verify', 'validate', 'rank', 'restore', 'measure', 'write'];
const VICTIMS = ['engine', 'server', 'window'];

/** What the user is told, by what was killed. */
const SAID = {
  engine: `${CONFIG}: quantization failed`,
  server: `${CONFIG}: quantization failed: the language server ended`,
  window: `The run of ${CONFIG}`,
};

/** So many where nobody says how many: each victim twice. */
const CI_KILLS = 6;
/** Runs that are begun to hit a stage, in ever smaller slices: one that was over before it was seen fails the step. */
const SLICES_MS = [8, 4, 2];
/** How far within a stage a kill comes, at most. */
const MAX_SLICES = 10;
/** Stages before the aim in which a run is let go on faster. */
const [NEAR, FAST_MS] = [2, 40];

/**
 * A kill at each stage in turn, and of each victim; with 27 kills every victim at every stage, `from` on. Moments within a
 * stage go by the seed.
 */
export async function runCampaign(vsix, { kills = CI_KILLS, from = 0, seed = 1 } = {}) {
  const random = seeded(seed);
  const hits = [];
  const steps = Array.from({ length: kills }, (_, index) => killStep(from + index, random, hits));
  const totals = await runSteps(vsix, 'campaign', steps);
  console.log(`  ${hits.length} of ${kills} kills hit their stage (seed ${seed})`);
  for (const { victim, stage, left } of hits) console.log(`  | ${stage} | ${victim} | ${left} |`);
  return totals;
}

function killStep(index, random, hits) {
  const round = Math.floor(index / STAGES.length);
  const victim = VICTIMS[index % VICTIMS.length];
  const stage = STAGES[(index + round) % STAGES.length];
  const after = random();
  return [
    `the ${victim} at ${stage}`,
    async (workbench) => {
      for (const [index, slice] of SLICES_MS.entries()) {
        // The last try ends at the stage's beginning.
        const slices = Math.floor(MAX_SLICES * after * (1 - index / (SLICES_MS.length - 1)));
        const left = await killed(workbench, { victim, stage, slices, slice });
        if (left === null) continue;
        hits.push({ victim, stage, left });
        return;
      }

      throw new Error(`${stage} was not seen in ${SLICES_MS.length} runs.`);
    },
  ];
}

/** What lies there afterwards: the files of before or those of this run; null: the run had ended before the stage was seen. */
async function killed(workbench, { victim, stage, slices, slice }) {
  const { open, visit, command, toast, sandbox, inWorkspace } = workbench;
  await open(CONFIG);
  const before = outputs(inWorkspace);
  await command('Quantsmith: Run Quantization');
  const [engine] = await until('an engine', () => {
    const found = processesOf(sandbox, 'engine.cjs');
    return found.length > 0 && found;
  });
  const isRunning = () => processesOf(sandbox, 'engine.cjs').includes(engine);
  if (!(await haltedAt(workbench, { engine, stage, slices, slice, isRunning }))) return null;
  if (victim === 'window') {
    await visit();
    signal(engine, 'SIGCONT');
    await open(CONFIG);
  } else {
    process.kill(victim === 'engine' ? engine : processesOf(sandbox, 'server.cjs')[0], 'SIGKILL');
    signal(engine, 'SIGCONT');
  }

  await toast(SAID[victim]).waitFor();
  await until('the end of the engine', () => processesOf(sandbox, 'engine.cjs').length === 0);
  await until('a clean folder', () => leftovers(sandbox.workspace).every((name) => name.endsWith('.jsonl')));
  const now = outputs(inWorkspace);
  // Model and report appear together: both are the old ones, or both are new.
  assert.equal(now.model === before.model, now.report === before.report);
  assert.ok(now.model !== null || before.model === null, 'the model of before is there');
  return now.report === before.report ? 'as before' : 'complete';
}

/**
 * Lets an engine work in slices, and halts it at a stage, some slices behind its beginning; false:
 * the run was over first. What it says while it is halted reaches the window before the next slice.
 */
async function haltedAt({ page }, { engine, stage, slices, slice, isRunning }) {
  const aim = STAGES.indexOf(stage);
  let seen = '';
  for (let more = slices; ;) {
    signal(engine, 'SIGSTOP');
    const text = await settledText(page.locator('.part.statusbar'));
    if (!isRunning()) return false;
    const now = STAGES.findLast((name) => text.includes(`%: ${name}`)) ?? seen;
    // Behind the aim, one slice too far: the one before was the last within it.
    if (seen === stage && now !== stage) return release(engine, isRunning);
    seen = now;
    if (seen === stage && more-- <= 0) return true;
    signal(engine, 'SIGCONT');
    await new Promise((resolve) => setTimeout(resolve, STAGES.indexOf(seen) < aim - NEAR ? FAST_MS : slice));
  }
}

/** Lets a run go on to its end, to be tried again. */
async function release(engine, isRunning) {
  signal(engine, 'SIGCONT');
  await until('the end of the run', () => !isRunning());
  return false;
}

/** A text once it stays the same. */
async function settledText(locator) {
  let text = await locator.innerText();
  for (let same = 0; same < 2;) {
    const next = await locator.innerText();
    same = next === text ? same + 1 : 0;
    text = next;
  }

  return text;
}

/** To a process that may have gone meanwhile. */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function outputs(inWorkspace) {
  const read = (file) => {
    try {
      return readFileSync(inWorkspace(file), 'latin1');
    } catch {
      return null;
    }
  };
  return { model: read(OUTPUT), report: read(REPORT) };
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      vsix: { type: 'string', default: `quantsmith-${process.platform}-${process.arch}.vsix` },
      seed: { type: 'string', default: '1' },
      kills: { type: 'string', default: '27' },
      from: { type: 'string', default: '0' },
    },
  });
  const { passed, failed } = await runCampaign(resolve(values.vsix), {
    kills: Number(values.kills),
    from: Number(values.from),
    seed: Number(values.seed),
  });
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
