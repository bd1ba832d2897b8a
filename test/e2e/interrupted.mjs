// Runs that end before their time: a window that is reloaded, a killed engine, a killed server, a cancel.
import assert from 'node:assert/strict';
import { leftovers, processesOf, runSteps, until } from './driver.mjs';

const CONFIG = 'digits.quant.yaml';

export const runInterrupted = (stage) =>
  runSteps(stage, 'interrupted', [
    ['a window that is reloaded says that the run ended, and resumes it', reloaded],
    ['a killed engine is said, by the name of its config, and the run resumes', engineKilled],
    ['a killed server is said, and the run resumes', serverKilled],
    ['a run is cancelled from its notification', cancelled],
  ]);

/** Starts the run and stops its engine in the middle, so that it lasts for as long as the test needs. */
async function startAndPause({ open, command, sandbox, toast }) {
  await open(CONFIG);
  await command('Quantsmith: Run Quantization');
  await toast(`Quantizing ${CONFIG}`).waitFor();
  await until('the staging folder', () => leftovers(sandbox.workspace).length > 0);
  const [engine] = processesOf(sandbox, 'engine.cjs');
  assert.ok(engine, 'an engine is at work');
  process.kill(engine, 'SIGSTOP');
  return engine;
}

async function nothingIsLeft({ sandbox }) {
  await until('the end of the engine', () => processesOf(sandbox, 'engine.cjs').length === 0);
  await until('a clean folder', () => staging(sandbox).length === 0);
}

/** The journal stays: it is what a run is resumed from. */
const staging = ({ workspace }) => leftovers(workspace).filter((name) => !name.endsWith('.restore.jsonl'));

async function resumes(workbench, said) {
  await said.getByRole('button', { name: 'Resume' }).click();
  await workbench.panel().getByRole('heading', { name: 'Quantization report' }).waitFor();
  await until('the end of the run', () => leftovers(workbench.sandbox.workspace).length === 0);
}

async function reloaded(workbench) {
  const { visit, toast, shot } = workbench;
  const engine = await startAndPause(workbench);
  await visit(CONFIG);
  // It may go on, and sees that its window has gone.
  process.kill(engine, 'SIGCONT');
  const said = toast(`The run of ${CONFIG} ended when its window closed`);
  await said.waitFor();
  await shot('reloaded');
  await nothingIsLeft(workbench);
  await resumes(workbench, said);
}

async function engineKilled(workbench) {
  process.kill(await startAndPause(workbench), 'SIGKILL');
  const said = workbench.toast(`${CONFIG}: quantization failed`);
  await said.waitFor();
  await workbench.shot('engine-killed');
  await nothingIsLeft(workbench);
  await resumes(workbench, said);
}

async function serverKilled(workbench) {
  const { sandbox, toast, shot } = workbench;
  const engine = await startAndPause(workbench);
  const [server] = processesOf(sandbox, 'server.cjs');
  process.kill(server, 'SIGKILL');
  process.kill(engine, 'SIGCONT');
  const said = toast(`${CONFIG}: quantization failed: the language server ended`);
  await said.waitFor();
  await shot('server-killed');
  await nothingIsLeft(workbench);
  await resumes(workbench, said);
}

async function cancelled(workbench) {
  const { page, toast, shot, read } = workbench;
  const before = read('digits.int8.onnx.report.json');
  await startAndPause(workbench);
  const running = toast(`Quantizing ${CONFIG}`);
  await running.hover();
  await running.getByRole('button', { name: 'Cancel' }).click();
  await nothingIsLeft(workbench);
  await page.locator('.part.statusbar').getByText(`${CONFIG} `).waitFor({ state: 'hidden' });
  await shot('cancelled');
  assert.equal(read('digits.int8.onnx.report.json'), before);
}
