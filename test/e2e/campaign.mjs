// Kills the engine, the server or the window at each stage of a run, by seed, and looks whether anything is lost:
//   node test/e2e/campaign.mjs [--vsix FILE] [--seed 1] [--kills 27]
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
/** Runs that are begun to hit a stage: a short one may be over before it is seen. */
const TRIES = 4;

/** A kill at each stage in turn, and of each victim; with 27 kills every victim at every stage. Moments within a stage go by the seed. */
export async function runCampaign(vsix, { kills = CI_KILLS, seed = 1 } = {}) {
  const random = seeded(seed);
  const hits = [];
  const steps = Array.from({ length: kills }, (_, index) => killStep(index, random, hits));
  const totals = await runSteps(vsix, 'campaign', steps);
  console.log(`  ${hits.length} of ${kills} kills hit their stage (seed ${seed}): ${hits.join(', ')}`);
  return totals;
}

function killStep(index, random, hits) {
  const round = Math.floor(index / STAGES.length);
  const victim = VICTIMS[index % VICTIMS.length];
  const stage = STAGES[(index + round) % STAGES.length];
  const after = Math.floor(random() * 10);
  return [
    `the ${victim} at ${stage}`,
    async (workbench) => {
      for (let attempt = 1; attempt <= TRIES; attempt++) {
        // Each try is nearer to the stage's beginning.
        const at = { victim, stage, after: Math.floor(after / attempt) };
        if (!(await killed(workbench, at))) continue;
        hits.push(`${victim} at ${stage}`);
        console.log(`  hit in run ${attempt}`);
        return;
      }
      console.log(`  not hit in ${TRIES} runs: they were over before ${stage} was seen`);
    },
  ];
}

/** false: the run had ended before the stage was seen. */
async function killed(workbench, { victim, stage, after }) {
  const { page, open, command, toast, sandbox, inWorkspace } = workbench;
  await open(CONFIG);
  const before = outputs(inWorkspace);
  await command('Quantsmith: Run Quantization');
  const [engine] = await until('an engine', () => {
    const found = processesOf(sandbox, 'engine.cjs');
    return found.length > 0 && found;
  });
  const isRunning = () => processesOf(sandbox, 'engine.cjs').includes(engine);
  if (!(await atStage(page, stage, after, isRunning))) return false;
  if (victim === 'window') await open(CONFIG);
  else process.kill(victim === 'engine' ? engine : processesOf(sandbox, 'server.cjs')[0], 'SIGKILL');
  await toast(SAID[victim]).waitFor();
  await until('the end of the engine', () => processesOf(sandbox, 'engine.cjs').length === 0);
  await until('a clean folder', () => leftovers(sandbox.workspace).every((name) => name.endsWith('.jsonl')));
  const now = outputs(inWorkspace);
  // Model and report appear together: both are the old ones, or both are new.
  assert.equal(now.model === before.model, now.report === before.report);
  return true;
}

/** Looks `after` times more once the status bar names the stage; false: the run ended first. */
async function atStage(page, stage, after, isRunning) {
  let looks = 0;
  for (;;) {
    const text = await page.locator('.part.statusbar').innerText();
    if (text.includes(`%: ${stage}`) || looks > 0) looks++;
    if (!isRunning()) return false;
    if (looks > after) return true;
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
    },
  });
  const { passed, failed } = await runCampaign(resolve(values.vsix), {
    kills: Number(values.kills),
    seed: Number(values.seed),
  });
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
