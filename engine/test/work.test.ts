import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type {
  EngineEvent,
  EngineMessage,
  QuantizationConfig,
  RunRequest,
  SharedWork,
} from '@quantsmith/schemas';
import { encodeModel, readModel } from '@quantsmith/model/onnx';
import { runPipeline, sensitivityPipeline, sharePipeline } from '../src/pipeline.js';
import { thisProcess, uniqueNamespace } from '../src/processes/owner.js';
import { oneWorker } from '../src/runtime/workers.js';
import { testProcessor } from '../src/work/canary.js';
import type { Channel } from '../src/work/open.js';
import { modelPacker, unpackModel } from '../src/work/packModel.js';
import { openUnitServer } from '../src/work/serve.js';
import { openStore } from '../src/work/store.js';
import { serveUnits } from '../src/work/worker.js';
import { slices, unitKey, UNIT_SAMPLES, type Unit } from '../src/work/unit.js';
import { DIGITS } from '../../test/kit/digits.js';
import { timeless } from '../../test/kit/timeless.js';
import { floats, model, node, value } from '../../test/kit/models.js';

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-work-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const example = (path: string) => join(DIGITS, path);
let places = 0;
const newFolder = () => mkdtempSync(join(scratch, `${places++}-`));

/** Digits with weights of few bits, which lose answers; one thread. */
const config = (metric: string): QuantizationConfig => ({
  model: example('digits.onnx'),
  data: {
    calibration: { arrays: example('data/calibration.npy'), preprocess: { scale: 16 }, limit: 20 },
    validation: {
      ...{ arrays: example('data/validation.npy'), labels: example('data/validation-labels.npy') },
      ...{ preprocess: { scale: 16 }, limit: 96 },
    },
  },
  quantization: {
    defaults: 'nncf',
    advanced_parameters: {
      overflow_fix: 'disable',
      disable_bias_correction: true,
      weights_quantization_params: { num_bits: 3, per_channel: false },
      backend_params: { threads: 1 },
    },
  },
  accuracy_control: metric === 'sqnr' ? { metric, target: 20 } : { metric, max_drop: 0.004 },
});

const requestFor = (metric: string, folder: string, work?: SharedWork): RunRequest => ({
  ...{ kind: 'run', config: config(metric), allowModules: false, cache: false },
  ...{ configPath: join(folder, 'c.quant.yaml'), configSha256: '', output: join(folder, 'out.onnx') },
  ...(work === undefined ? {} : { work }),
});

/** What a run made: the model's bytes, and its report without times. */
async function made(request: RunRequest, channel?: Channel) {
  const { report } = await runPipeline(
    request,
    channel?.emit ?? (() => undefined),
    undefined,
    channel?.listen,
  );
  return { model: readFileSync(request.output ?? ''), report: timeless(report) };
}

const servers: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** Whoever starts an engine, with a worker; `loses`: units that no worker computes. */
async function workerFor(dir: string, loses: (key: string) => boolean = () => false) {
  const store = await openStore(dir);
  const { processor } = await testProcessor(1);
  const server = openUnitServer(store, { processor, workers: oneWorker(1), allowModules: false });
  servers.push(server);
  let hear: (message: EngineMessage) => void = () => undefined;
  const counts = { worker: 0, here: 0, processors: 0 };
  const failures: unknown[] = [];
  const told: string[] = [];
  let last = Promise.resolve();
  const emit = (event: EngineEvent) => {
    if (event.type === 'processor') counts.processors++;
    if (event.type === 'problem') told.push(event.problem.code);
    if (event.type !== 'unit') return;
    const { key, unit } = event.offered;
    last = last.then(async () => {
      const isLost = loses(key);
      const sent = JSON.parse(JSON.stringify(unit)) as Unit;
      if (!isLost) await server.serve(key, sent).catch((error: unknown) => failures.push(error));
      counts[isLost ? 'here' : 'worker']++;
      hear({ kind: 'outcome', key, outcome: isLost ? 'here' : 'done' });
    });
  };

  const listen: Channel['listen'] = (listener) => (hear = listener);
  return { emit, listen, counts, failures, told };
}

const offer = (store: string): SharedWork => ({ store, role: 'offer' });

/** One process alone; several tests compare with it. */
let alone: Promise<Awaited<ReturnType<typeof made>>> | undefined;
const madeAlone = () => (alone ??= made(requestFor('top1', newFolder())));

describe('work that is shared', () => {
  it('gives the same model and report as one process; what is in the store is not computed again', async () => {
    const expected = await madeAlone();
    expect(expected.report.restoration?.reverted.length).toBeGreaterThan(0);
    const store = newFolder();
    const worker = await workerFor(store);
    const shared = await made(requestFor('top1', newFolder(), offer(store)), worker);
    expect(worker.failures).toEqual([]);
    expect(shared.report).toEqual(expected.report);
    expect(shared.model.equals(expected.model)).toBe(true);
    expect(worker.counts.worker).toBeGreaterThan(10);
    expect(worker.counts).toMatchObject({ here: 0, processors: 1 });

    damageOne(store);
    const again = await workerFor(store);
    const repeated = await made(requestFor('top1', newFolder(), offer(store)), again);
    expect(repeated.report).toEqual(expected.report);
    expect(again.counts).toEqual({ worker: 1, here: 0, processors: 1 });
    expect(readdirSync(join(store, 'staging'))).toEqual([]);
  });

  it('gives the same where nobody else computes some of the units', async () => {
    const store = newFolder();
    const worker = await workerFor(store, (key) => /^[0-7]/.test(key));
    const mixed = await made(requestFor('top1', newFolder(), offer(store)), worker);
    expect(mixed.report).toEqual((await madeAlone()).report);
    expect(worker.counts.here).toBeGreaterThan(3);
    expect(worker.counts.worker).toBeGreaterThan(3);
  });

  it('says once that announced results do not appear, and waits for none after that', async () => {
    const elsewhere = await workerFor(newFolder());
    const mixed = await made(requestFor('top1', newFolder(), offer(newFolder())), elsewhere);
    expect(elsewhere.counts.worker).toBeGreaterThan(10);
    expect(elsewhere.told.filter((code) => code === 'result-not-seen')).toHaveLength(1);
    expect(mixed.report).toEqual((await madeAlone()).report);
  }, 60_000);

  it('compares outputs with those of the float model, which each process computes', async () => {
    const expected = await made(requestFor('sqnr', newFolder()));
    expect(expected.report.restoration?.reverted.length).toBeGreaterThan(0);
    const store = newFolder();
    const worker = await workerFor(store);
    const shared = await made(requestFor('sqnr', newFolder(), offer(store)), worker);
    expect(worker.failures).toEqual([]);
    expect(shared.report).toEqual(expected.report);
    expect(shared.model.equals(expected.model)).toBe(true);
  });

  it('gives the same sensitivities', async () => {
    const expected = await sensitivityPipeline(requestFor('top1', newFolder()), () => undefined);
    const store = newFolder();
    const worker = await workerFor(store);
    const shared = await sensitivityPipeline(
      requestFor('top1', newFolder(), offer(store)),
      worker.emit,
      worker.listen,
    );
    expect(shared).toEqual(expected);
    expect(worker.counts.worker).toBeGreaterThan(10);
  });
});

function damageOne(store: string): void {
  const [folder = ''] = readdirSync(join(store, 'units'));
  const [name = ''] = readdirSync(join(store, 'units', folder));
  const path = join(store, 'units', folder, name);
  writeFileSync(path, readFileSync(path).subarray(0, 200));
}

describe('shares', () => {
  it('compute together what a merge makes the same model of; what is missing is named', async () => {
    const expected = await madeAlone();
    const store = newFolder();
    const share = async (number: number) => {
      const codes: string[] = [];
      const work = { store, role: 'share', share: number, shares: 3 } as const;
      await sharePipeline(requestFor('top1', newFolder(), work), (event) => {
        if (event.type === 'problem' && event.problem.code.startsWith('share'))
          codes.push(event.problem.code);
      });
      return codes;
    };

    const merge = () => made(requestFor('top1', newFolder(), { store, role: 'merge' }));
    expect(await share(1)).toEqual(['share-waits']);
    expect(await share(2)).toEqual(['share-waits']);
    await expect(merge()).rejects.toMatchObject({
      problem: { code: 'shares-missing', message: expect.stringContaining('of share 3') as string },
    });
    expect(await share(3)).toEqual(['share-waits']);
    // The models as they are, then single layers: two steps, of which the second needs all shares of the first.
    for (const number of [1, 2, 3]) await share(number);
    for (const number of [1, 2, 3]) expect(await share(number)).toEqual(['share-complete']);

    const merged = await merge();
    expect(merged.report).toEqual(expected.report);
    expect(merged.model.equals(expected.model)).toBe(true);
  });
});

describe('units', () => {
  it('hold whole batches of every size', () => {
    const indices = Array.from({ length: 200 }, (_, i) => 3 * i);
    expect(slices(indices).flat()).toEqual(indices);
    expect(slices(indices).map(({ length }) => length)).toEqual([64, 64, 64, 8]);
    expect(UNIT_SAMPLES % 16).toBe(0);
    expect(slices([])).toEqual([]);
  });

  it('are refused where they are for another processor, or are not what their name says', async () => {
    const store = await openStore(newFolder());
    const { processor } = await testProcessor(1);
    const server = openUnitServer(store, { processor, workers: oneWorker(1), allowModules: false });
    const key = createHash('sha256').update('').digest('hex');
    const unit: Unit = {
      ...{ what: 'states', model: key, subject: key, optimization: null, batch: 1, reference: null },
      ...{ samples: [0], processor },
      task: { ...TASK },
    };
    const refused = { problem: { code: 'unit-refused' } };
    await expect(server.serve(key, unit)).rejects.toMatchObject(refused);
    const other = { ...unit, processor: { ...processor, isa: ['other'] } };
    await expect(server.serve(unitKey(other), other)).rejects.toMatchObject(refused);
    const outside = { ...unit, model: '../../etc/hostname' };
    await expect(server.serve(unitKey(outside), outside)).rejects.toMatchObject(refused);
    await expect(server.serve(unitKey(unit), unit)).rejects.toMatchObject({
      problem: { code: 'store-damaged' },
    });
  });
});

const TASK = {
  ...{ type: null, decode: null, output: null, classes: null, scoreThreshold: 0, iouThreshold: 0 },
  ...{ blank: 0, alphabet: null, stride: null, logits: false, normalized: false },
};

describe('the store', () => {
  it('gives models back to the byte, and keeps equal weights once', async () => {
    const store = await openStore(newFolder());
    const pack = modelPacker(store);
    const { model: digits, dir } = await readModel(example('digits.onnx'));
    const key = await pack(digits, dir);
    expect(Buffer.from(encodeModel(await unpackModel(store, key))).equals(encodeModel(digits))).toBe(true);
    const weights = readdirSync(join(store.dir, 'weights')).length;
    const other = { ...digits, producerName: 'another' };
    expect(await pack(other, dir)).not.toBe(key);
    expect(readdirSync(join(store.dir, 'weights'))).toHaveLength(weights);

    const small = model({
      nodes: [node('MatMul', ['x', 'w'], ['y'])],
      inputs: [value('x', [1, 2])],
      outputs: [value('y', [1, 2])],
      initializers: [floats('w', [2, 2], [1, 2, 3, 4])],
    });
    expect(encodeModel(await unpackModel(store, await pack(small, undefined)))).toEqual(encodeModel(small));
  });

  it('says what is damaged, and has it written again', async () => {
    const store = await openStore(newFolder());
    const key = await store.keep('models', Buffer.from('content'));
    writeFileSync(join(store.dir, 'models', key), 'another');
    await expect(store.read('models', key)).rejects.toMatchObject({ problem: { code: 'store-damaged' } });
    const next = await openStore(store.dir);
    await next.keep('models', Buffer.from('content'));
    expect(Buffer.from(await next.read('models', key)).toString()).toBe('content');
  });

  it('removes what dead processes have left half-written, and nothing of others, whatever they are called', async () => {
    const dir = newFolder();
    await openStore(dir);
    const place = (name: string) => join(dir, 'staging', name);
    const { pid, begun } = thisProcess();
    const [here, ending] = [uniqueNamespace() ?? '', '00000000-0000-4000-8000-000000000000'];
    // A number that nobody has: the kernel gives smaller ones.
    const dead = `${here}.${2 ** 30}.1.${ending}`;
    const mine = `${here}.${pid}.${begun}.${ending}`;
    // A container may have this one's host name, and a process of its own under any number.
    const elsewhere = `0123456789abcdef.${2 ** 30}.1.${ending}`;
    const old = `0123456789abcdef.2.1.${ending}`;
    for (const name of [dead, mine, elsewhere, old, 'notes.txt']) writeFileSync(place(name), '');
    const yesterday = new Date(Date.now() - 24 * 3600 * 1000);
    utimesSync(place(old), yesterday, yesterday);
    utimesSync(place('notes.txt'), yesterday, yesterday);
    await openStore(dir);
    const left =
      process.platform === 'linux' ? [elsewhere, mine, 'notes.txt'] : [dead, elsewhere, mine, 'notes.txt'];
    expect(readdirSync(join(dir, 'staging')).sort()).toEqual(left.sort());
  });

  it('cannot be a file', async () => {
    const path = join(newFolder(), 'file');
    writeFileSync(path, '');
    await expect(openStore(path)).rejects.toMatchObject({ problem: { code: 'store-unusable' } });
  });
});

it.skipIf(process.platform !== 'linux')(
  'a store where no folder can be made is said so at once',
  async () => {
    await expect(openStore('/proc/quantsmith/store')).rejects.toMatchObject({
      problem: { code: 'store-unusable' },
    });
  },
);

it('more threads than the machine bears are refused before they start', async () => {
  const threads = Math.max(128, 4 * availableParallelism()) + 1;
  const code = 'too-many-threads';
  const folder = newFolder();
  const channel = { emit: () => undefined, listen: () => undefined };
  const work = { kind: 'work', store: folder, threads, allowModules: false } as const;
  await expect(serveUnits(work, channel)).rejects.toMatchObject({ problem: { code } });

  const request = requestFor('top1', folder);
  const advanced = { ...request.config.quantization?.advanced_parameters, backend_params: { threads } };
  const wide = { ...request.config, quantization: { advanced_parameters: advanced } };
  await expect(made({ ...request, config: wide })).rejects.toMatchObject({
    problem: { code, configPath: ['quantization', 'advanced_parameters', 'backend_params', 'threads'] },
  });
});

describe('the canary', () => {
  it('gives the same bits each time, numbers that tell kernels apart', async () => {
    const [first, second] = [await testProcessor(1), await testProcessor(1)];
    expect(second).toEqual(first);
    expect(new Set(first.canary.values).size).toBeGreaterThan(32);
  });
});
