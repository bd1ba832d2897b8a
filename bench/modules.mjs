// What a module's process costs: the time to start it, and of each call, by the size of what is sent to it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker, MessageChannel, receiveMessageOnPort } from 'node:worker_threads';

const dist = (name) => fileURLToPath(new URL(`../dist/${name}.cjs`, import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'quantsmith-bench-'));
const path = join(dir, 'metric.mjs');
writeFileSync(path, 'export default { accumulate: () => 1, result: (states) => states.length };\n');
const { port1, port2 } = new MessageChannel();
const signal = new SharedArrayBuffer(4);
const woken = new Int32Array(signal);
const bridge = new Worker(dist('moduleBridge'), {
  workerData: { port: port2, signal, timeLimit: 60, memoryLimit: 2 ** 32 },
  transferList: [port2],
});
let call = 0;
const ask = (request) =>
  new Promise((resolve) => {
    bridge.once('message', resolve);
    bridge.postMessage({ call: call++, wait: false, request });
  });
const askNow = (request) => {
  Atomics.store(woken, 0, 0);
  bridge.postMessage({ call: call++, wait: true, request });
  Atomics.wait(woken, 0, 0);
  return receiveMessageOnPort(port1).message;
};

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
const timed = async (count, body) => {
  const times = [];
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    await body();
    times.push(performance.now() - begun);
  }

  return median(times);
};

const begun = performance.now();
await ask({ kind: 'start', role: 'metric', path, baseDir: dir, inputs: [] });
console.log(`start: ${(performance.now() - begun).toFixed(0)} ms`);
const sample = { name: 'a', feeds: {}, image: null, task: {} };
for (const [what, size] of [
  ['1,000 classes', 1000],
  ['an image of 224 × 224 × 3', 150528],
  ['masks of 21 × 512 × 512', 5505024],
]) {
  const outputs = { y: { type: 'float32', dims: [size], data: new Float32Array(size) } };
  const took = await timed(50, () =>
    ask({ kind: 'accumulate', outputs, label: 1, floatOutputs: null, sample }),
  );
  console.log(`a sample of ${what} (${(size * 4) / 1e6} MB): ${took.toFixed(2)} ms`);
}

const states = Array.from({ length: 1000 }, (_, i) => i);
askNow({ kind: 'result', added: states, states });
console.log(
  `the value of 1,000 samples: ${(await timed(200, () => askNow({ kind: 'result', added: [], states }))).toFixed(2)} ms`,
);
rmSync(dir, { recursive: true });
await bridge.terminate();
