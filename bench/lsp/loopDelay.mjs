// Preloaded into a server that is watched: writes a line for each turn of its event loop that took long, into the file that
// LOOP_DELAY_FILE names: when it ended (milliseconds of the clock), how long it took, and how long of that the server itself
// took: the rest it waited for a core that other programs held (Linux tells).
import { setInterval } from 'node:timers';
import { appendFileSync, readFileSync } from 'node:fs';

const TICK_MS = 10;
const WORTH_A_LINE_MS = 15;

/** Milliseconds for which this thread was ready to run and did not. */
function waitedForCore() {
  try {
    const [, waited] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(waited) / 1e6;
  } catch {
    return 0;
  }
}

let last = performance.now();
let waited = waitedForCore();
setInterval(() => {
  const [now, waitedNow] = [performance.now(), waitedForCore()];
  const took = now - last - TICK_MS;
  const own = took - (waitedNow - waited);
  if (took > WORTH_A_LINE_MS)
    appendFileSync(
      process.env.LOOP_DELAY_FILE,
      `${Date.now()} ${took.toFixed(1)} ${Math.max(0, own).toFixed(1)}\n`,
    );
  [last, waited] = [now, waitedNow];
}, TICK_MS).unref();
