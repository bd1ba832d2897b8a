// An engine that halts where a test wants it: what a user sees then lasts until the test lets it go on.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processesOf, until } from './driver.mjs';

const haltFile = (sandbox) => join(sandbox.root, 'halt');

/** Changes the installed engine so that it obeys `haltAt`. */
export function prepareHalts(sandbox) {
  const [name] = readdirSync(sandbox.extensions).filter((entry) => entry.startsWith('quantsmith.'));
  const engine = join(sandbox.extensions, name, 'dist/engine.cjs');
  const hook = `(${obeyHalts})(${JSON.stringify(haltFile(sandbox))});\n`;
  writeFileSync(engine, hook + readFileSync(engine, 'utf8'));
}

/** In the engine: it halts as soon as it has said what the file names, however short that stage is; once for each text. */
function obeyHalts(file) {
  const { send } = process;
  if (send === undefined) return;
  const { existsSync, readFileSync } = process.getBuiltinModule('node:fs');
  let obeyed = '';
  process.send = function (message, ...rest) {
    const isSent = send.call(this, message, ...rest);
    const text = message?.type === 'progress' && existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (text === '' || text === obeyed || !`${message.stage} ${message.detail ?? ''}`.includes(text))
      return isSent;
    obeyed = text;
    process.kill(process.pid, 'SIGSTOP');
    return isSent;
  };
}

/** Has engines halt where their progress says a text: a stage, or a part of its details. */
export const haltAt = (sandbox, text) => writeFileSync(haltFile(sandbox), text);

export const haltNowhere = (sandbox) => rmSync(haltFile(sandbox), { force: true });

/** From here on engines run through, those that have halted among them. */
export function letGo(sandbox) {
  haltNowhere(sandbox);
  for (const pid of processesOf(sandbox, 'engine.cjs')) signal(pid, 'SIGCONT');
}

/** The engine that has halted, once one has. */
export const haltedEngine = (sandbox) =>
  until('an engine that halts', () => processesOf(sandbox, 'engine.cjs').find(isHalted));

const isHalted = (pid) => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, ''));

/** To a process that may have gone meanwhile. */
export function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
