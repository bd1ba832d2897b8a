// Kills the engine, the server or the window at each stage of a run, by seed, and looks whether anything is lost:
//   node test/e2e/campaign.mjs [--vsix FILE] [--seed 1] [--kills 40]
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { leftovers, processesOf, runSteps, until } from './driver.mjs';

const CONFIG = 'digits.quant.yaml';
const OUTPUT = 'digits.int8.onnx';
const REPORT = `${OUTPUT}.report.json`;
const STAGES = ['load', 'calibrate', 'quantize', 'verify', 'validate', 'rank', 'restore', 'measure', 'write'];
const VICTIMS = ['engine', 'server', 'window'];

/** What the user is told, by what was killed. */
const SAID = {
  engine: `${CONFIG}: quantization failed`,
  server: `${CONFIG}: quantization failed: the language server ended`,
  window: `The run of ${CONFIG}`,
};

/** One kill: every stage and victim in turn, the moment within the stage by chance. */
export const killStep = (index, random) => {
  const victim = VICTIMS[index % VICTIMS.length];
  const stage = STAGES[Math.floor(index / VICTIMS.length) % STAGES.length];
  return [
    `the ${victim} at ${stage}`,
    (workbench) => killed(workbench, { victim, stage, after: Math.floor(random() * 40) }),
  ];
};

async function killed(workbench, { victim, stage, after }) {
  const { page, open, command, toast, sandbox, inWorkspace } = workbench;
  await open(CONFIG);
  const before = outputs(inWorkspace);
  await command('Quantsmith: Run Quantization');
  const [engine] = await until('an engine', () => {
    const found = processesOf(sandbox, 'engine.cjs');
    return found.length > 0 && found;
  });
  const reached = await atStage(page, stage, after, () =>
    processesOf(sandbox, 'engine.cjs').includes(engine),
  );
  if (!reached) return;
  if (victim === 'window') await open(CONFIG);
  else process.kill(victim === 'engine' ? engine : processesOf(sandbox, 'server.cjs')[0], 'SIGKILL');
  await toast(SAID[victim]).waitFor();
  await until('the end of the engine', () => processesOf(sandbox, 'engine.cjs').length === 0);
  await until('a clean folder', () => leftovers(sandbox.workspace).every((name) => name.endsWith('.jsonl')));
  const now = outputs(inWorkspace);
  // Model and report appear together: both are the old ones, or both are new.
  assert.equal(now.model === before.model, now.report === before.report);
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
export function seeded(seed) {
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
      kills: { type: 'string', default: '40' },
    },
  });
  const random = seeded(Number(values.seed));
  const steps = Array.from({ length: Number(values.kills) }, (_, index) => killStep(index, random));
  const { passed, failed } = await runSteps(resolve(values.vsix), 'campaign', steps);
  console.log(`${passed} passed, ${failed} failed (seed ${values.seed})`);
  process.exit(failed === 0 ? 0 : 1);
}
