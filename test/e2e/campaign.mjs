// Kills the engine, the server or the window at each stage of a run and looks whether anything is lost:
//   node test/e2e/campaign.mjs [--vsix FILE] [--kills 27] [--from 0]
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
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

/** How far behind the beginning of its stage a run is killed, at most: most of these stages take longer. */
const MAX_AFTER_MS = 20;

/** A kill at each stage in turn, and of each victim; with 27 kills every victim at every stage. `from`: the first of the 27. */
export async function runCampaign(vsix, { kills = STAGES.length, from = 0 } = {}) {
  const hits = [];
  const steps = Array.from({ length: kills }, (_, index) => killStep(from + index, hits));
  const totals = await runSteps(vsix, 'campaign', steps, {
    prepare: haltAtStages,
  });
  for (const { victim, stage, left } of hits) console.log(`  | ${stage} | ${victim} | ${left} |`);
  return totals;
}

function killStep(index, hits) {
  const round = Math.floor(index / STAGES.length);
  const victim = VICTIMS[index % VICTIMS.length];
  const stage = STAGES[(index + round) % STAGES.length];
  return [
    `the ${victim} at ${stage}`,
    async (workbench) => hits.push({ victim, stage, left: await killed(workbench, victim, stage) }),
  ];
}

/** Has the installed engine halt itself at the stage that a file names. */
function haltAtStages(sandbox) {
  const [name] = readdirSync(sandbox.extensions).filter((entry) => entry.startsWith('quantsmith.'));
  const engine = join(sandbox.extensions, name, 'dist/engine.cjs');
  const hook = `(${haltAtStage})(${JSON.stringify(haltFile(sandbox))});\n`;
  writeFileSync(engine, hook + readFileSync(engine, 'utf8'));
}

/**
 * In the engine: it halts as soon as it has said that it is at its stage, so that a kill hits that stage, however short it is.
 */
function haltAtStage(file) {
  const { send } = process;
  if (send === undefined) return;
  const stage = process.getBuiltinModule('node:fs').readFileSync(file, 'utf8');
  let isReached = false;
  process.send = function (message, ...rest) {
    const isSent = send.call(this, message, ...rest);
    if (!isReached && message?.type === 'progress' && message.stage === stage) {
      isReached = true;
      process.kill(process.pid, 'SIGSTOP');
    }

    return isSent;
  };
}

const haltFile = (sandbox) => join(sandbox.root, 'halt');

/** Kills a run at a stage; returns whether what lies there afterwards is as before, or complete. */
async function killed({ open, visit, command, toast, sandbox, inWorkspace }, victim, stage) {
  writeFileSync(haltFile(sandbox), stage);
  await open(CONFIG);
  const before = outputs(inWorkspace);
  await command('Quantsmith: Run Quantization');
  const engine = await until(`the run at ${stage}`, () => processesOf(sandbox, 'engine.cjs').find(isHalted));
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
  // Model and report appear together: both are the old ones, or both are new.
  assert.equal(now.model === before.model, now.report === before.report);
  assert.ok(now.model !== null || before.model === null, 'the model of before is there');

  return now.report === before.report ? 'as before' : 'complete';
}

/** Whether a process has been stopped by a signal. */
const isHalted = (pid) => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, ''));

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

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      vsix: { type: 'string', default: `quantsmith-${process.platform}-${process.arch}.vsix` },
      kills: { type: 'string', default: '27' },
      from: { type: 'string', default: '0' },
    },
  });
  const { passed, failed } = await runCampaign(resolve(values.vsix), {
    kills: Number(values.kills),
    from: Number(values.from),
  });
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
