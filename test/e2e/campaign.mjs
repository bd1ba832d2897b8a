// Kills the engine, the server or the window at each stage of a run and looks whether anything is lost:
//   node test/e2e/campaign.mjs [--vsix FILE] [--kills 27] [--from 0]
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createStage, leftovers, processesOf, runSteps, until } from './driver.mjs';
import { haltAt, haltedEngine, haltNowhere, prepareHalts, signal } from './halt.mjs';
import { fillWorkspace, runInTerminal } from './workspace.mjs';

const CONFIG = 'digits.quant.yaml';
const OUTPUT = 'digits.int8.onnx';
const REPORT = `${OUTPUT}.report.json`;
const HISTORY = `.quantsmith/runs/${CONFIG}`;
const STAGES = ['load', 'calibrate', 'quantize', 'verify', 'validate', 'rank', 'restore', 'measure', 'write'];
const VICTIMS = ['engine', 'server', 'window'];

/** What the user is told, by what was killed. */
const SAID = {
  engine: `${CONFIG}: quantization failed`,
  server: `${CONFIG}: quantization failed: the language server ended`,
  window: `The run of ${CONFIG}`,
};

/** How far behind the beginning of its stage a run is killed, at most: most of these stages take longer. */
const MAX_AFTER_MS = 20;

/** A kill at each stage in turn, and of each victim; with 27 kills every victim at every stage. `from`: the first of the 27. */
export async function runCampaign(stage, { kills = STAGES.length, from = 0 } = {}) {
  const hits = [];
  const steps = Array.from({ length: kills }, (_, index) => killStep(from + index, hits));
  const totals = await runSteps(stage, 'campaign', steps, { fill, prepare: prepareHalts });
  for (const { victim, stage, left } of hits) console.log(`  | ${stage} | ${victim} | ${left} |`);
  return totals;
}

/** A folder with a finished run: what the kills must not harm. */
function fill(folder) {
  fillWorkspace(folder);
  runInTerminal(folder, ['run', 'digits.quant.yaml']);
}

function killStep(index, hits) {
  const round = Math.floor(index / STAGES.length);
  const victim = VICTIMS[index % VICTIMS.length];
  const stage = STAGES[(index + round) % STAGES.length];
  return [
    `the ${victim} at ${stage}`,
    async (workbench) => {
      // Calibrated on other samples than any run before, it writes another model: one that is mixed with a report of before is seen.
      const text = workbench.read(CONFIG);
      workbench.write(CONFIG, text.replace(/subset_size: \d+/, `subset_size: ${300 - 2 * (index + 1)}`));
      hits.push({ victim, stage, left: await killed(workbench, victim, stage) });
    },
  ];
}

/** Kills a run at a stage; returns whether what lies there afterwards is the pair of before, or the whole new one. */
async function killed({ open, visit, command, toast, sandbox, inWorkspace }, victim, stage) {
  haltAt(sandbox, stage);
  await open(CONFIG);
  const before = outputs(inWorkspace);
  await command('Quantsmith: Run Quantization');
  const engine = await haltedEngine(sandbox);
  haltNowhere(sandbox);
  // A moment of the stage itself, another for each stage and victim.
  signal(engine, 'SIGCONT');
  await setTimeout(((STAGES.indexOf(stage) + 1) * (VICTIMS.indexOf(victim) + 1)) % MAX_AFTER_MS);
  signal(engine, 'SIGSTOP');
  if (victim === 'window') await visit(CONFIG);
  else process.kill(victim === 'engine' ? engine : processesOf(sandbox, 'server.cjs')[0], 'SIGKILL');
  signal(engine, 'SIGCONT');
  await toast(SAID[victim]).waitFor();
  await until('the end of the engine', () => processesOf(sandbox, 'engine.cjs').length === 0);
  await until('a clean folder', () => leftovers(sandbox.workspace).every((name) => name.endsWith('.jsonl')));
  const now = outputs(inWorkspace);
  assertPair(now);
  if (now.report === before.report) assert.equal(now.model, before.model);
  for (const run of before.runs) assert.ok(now.runs.includes(run), `the history has kept ${run}`);

  return now.report === before.report ? 'as before' : 'complete';
}

/** Model and report belong together: the report says which bytes it tells of. */
function assertPair({ model, report }) {
  const digest = createHash('sha256').update(model, 'latin1').digest('hex');
  assert.equal(JSON.parse(report).output.sha256, digest);
}

/** Model, report and the runs of the history; a model or a report that is missing is an error. */
function outputs(inWorkspace) {
  const text = (file) => readFileSync(inWorkspace(file), 'latin1');
  const runs = readdirSync(inWorkspace(HISTORY)).filter((name) => !name.includes('~'));
  return { model: text(OUTPUT), report: text(REPORT), runs };
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      vsix: { type: 'string', default: `quantsmith-${process.platform}-${process.arch}.vsix` },
      kills: { type: 'string', default: '27' },
      from: { type: 'string', default: '0' },
    },
  });
  const { passed, failed } = await runCampaign(createStage(resolve(values.vsix)), {
    kills: Number(values.kills),
    from: Number(values.from),
  });
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
