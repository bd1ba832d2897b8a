// A worker on another CPU (Haswell, emulated by QEMU) beside one of this machine: it is kept apart, and refused with the figures where
// it claims to be the same.
//
//   node test/soak/scaleProcessors.mjs
//
// Needs the built programs (npm run build), Debian's QEMU and Redis (node test/installPrograms.mjs). Takes a minute: emulation is slow.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, spawnRedis } from '../kit/redis.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { openDispatch, workOnQueue } = createRequire(import.meta.url)(join(root, 'dist/scale.cjs'));
const QEMU = { execPath: '/usr/bin/qemu-x86_64', execArgv: ['-cpu', 'Haswell', process.execPath] };

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-scale-processors-'));
const children = [];
try {
  const port = await freePort();
  children.push(spawnRedis(port, folder));
  const options = { host: '127.0.0.1', port, db: 0, maxRetriesPerRequest: null, retryStrategy: () => 200 };
  const place = { name: 'redis', options };

  const here = await testedBy({});
  const emulated = await testedBy(QEMU);
  const differing = here.canary.values.filter((value, i) => value !== emulated.canary.values[i]).length;
  console.log(`here: ${here.processor.isa.join(', ')}; emulated: ${emulated.processor.isa.join(', ')}`);
  console.log(`${differing} of ${here.canary.values.length} results of the canary differ`);

  // Two workers, a run of this machine: only one of the two may compute.
  const computed = { here: 0, emulated: 0 };
  const notes = [];
  const ending = new AbortController();
  const worker = (name, tested) =>
    workOnQueue(place, {
      ...{ tested, modules: false, note: () => undefined, signal: ending.signal },
      compute: () => Promise.resolve(++computed[name]),
    });
  const workers = [worker('emulated', emulated), worker('here', here)];
  const dispatch = openDispatch(place, { note: (text) => notes.push(text) });
  dispatch.announce(here);
  const keys = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(64, 'a'));
  const outcomes = await Promise.all(
    keys.map((key) => dispatch.offer({ key, unit: {}, processor: here.processor, modules: false })),
  );
  const refusal = await Promise.race([
    workers[0],
    new Promise((done) => setTimeout(() => done(null), 20_000)),
  ]);
  await dispatch.close();
  ending.abort();
  await Promise.all(workers);
  console.log(
    `units: ${JSON.stringify(computed)}; ${outcomes.filter((outcome) => outcome === 'done').length} done`,
  );
  console.log(notes.join('\n'));
  console.log(`the emulated worker ends with: ${refusal}`);
  const isRight = computed.emulated === 0 && computed.here === 100 && differing > 0 && notes.length === 1;
  console.log(isRight ? 'It is kept apart.' : 'IT IS NOT KEPT APART.');
  process.exitCode = isRight ? 0 : 1;
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

/** What an engine says of the processor that it runs on. */
function testedBy(how) {
  const engine = fork(join(root, 'dist/engine.cjs'), [], {
    ...{ execArgv: [], serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
    ...how,
  });
  children.push(engine);
  engine.send({ kind: 'work', store: join(folder, 'store'), threads: 1, allowModules: false });
  return new Promise((resolve, reject) => {
    engine.on('message', (event) => {
      if (event.type === 'processor') resolve(event.tested);
      if (event.type === 'failed') reject(new Error(event.problem.message));
    });
    engine.once('exit', () => reject(new Error('The engine has ended.')));
  });
}
