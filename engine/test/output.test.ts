import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readModel } from '@quantsmith/model/onnx';
import { type QuantsmithError, MODEL_KEY, outputFiles, runPaths, type RunPaths } from '@quantsmith/schemas';
import { commitOutput, STAGED } from '../src/output/commit.js';
import { outputFacts } from '../src/output/facts.js';
import { keepRun } from '../src/output/history.js';
import { takeLock } from '../src/output/lock.js';
import { outputObstacle } from '../src/output/obstacle.js';
import { claimOutput } from '../src/output/output.js';
import { runPipeline } from '../src/pipeline.js';
import { recoverOutput } from '../src/output/recover.js';
import { thisProcess, type Owner } from '../src/processes/owner.js';
import { sampleReport } from '../../test/kit/sampleReport.js';

const DIGITS = new URL('../../examples/digits/digits.onnx', import.meta.url).pathname;

let folder = '';
let paths: RunPaths;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantsmith-output-'));
  const config = { model: 'digits.onnx', data: { calibration: { arrays: 'x.npy' } } };
  copyFileSync(DIGITS, join(folder, 'digits.onnx'));
  paths = runPaths({ config, configPath: join(folder, 'net.quant.yaml') });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const names = () => readdirSync(folder).sort();
const claim = (force = false) => claimOutput(paths, { inputs: [at('digits.onnx')], force });
const problemOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => (error as QuantsmithError).problem,
  );

/** One whole run's writing. */
async function write(externalData = false): Promise<void> {
  const { model } = await readModel(DIGITS);
  const output = await claim();
  const written = await output.stageModel(model, { sourceDir: folder, externalData });
  await output.publish('{"tool": {"name": "quantsmith"}}', written);
  await output.release();
}

describe('what an output may replace', () => {
  const obstacle = async (output = paths.output, force = false) =>
    outputObstacle(await outputFacts(outputFiles(output), [at('digits.onnx')]), force);

  it('nothing, and what this tool wrote', async () => {
    expect(await obstacle()).toBeNull();
    await write();
    expect(await obstacle()).toBeNull();
    expect((await readModel(paths.output)).model.metadataProps.map(({ key }) => key)).toEqual([MODEL_KEY]);
  });

  it('a model of before by the hash in the report beside it', async () => {
    copyFileSync(DIGITS, paths.output);
    expect(await obstacle()).toMatch(/did not write/);
    const sha256 = 'ec613e1c1c59974f044b0513e8c5fc1c4a27b686d3e2a020d7352d7bc50bea42';
    const report = { schema_version: 1, tool: { name: 'quantsmith' }, output: { path: 'x', sha256 } };
    writeFileSync(paths.report, JSON.stringify(report));
    expect(await obstacle()).toBeNull();
    writeFileSync(paths.output, 'changed since');
    expect(await obstacle()).toMatch(/did not write/);
  });

  it.each([
    ['notes', () => writeFileSync(paths.output, 'notes'), true],
    ['another model', () => copyFileSync(DIGITS, paths.output), true],
    ['a foreign report', () => writeFileSync(paths.report, '{"mine": 1}'), true],
    ['a foreign journal', () => writeFileSync(paths.journal, 'mine'), true],
    ['a link to nothing', () => symlinkSync('nowhere', paths.output), true],
    ['a folder', () => mkdirSync(paths.output), false],
    ['a FIFO', () => execFileSync('mkfifo', [paths.output]), false],
    ['a FIFO as report', () => execFileSync('mkfifo', [paths.report]), false],
    ['a device', () => symlinkSync('/dev/null', paths.output), false],
    ['a link to what the run reads', () => symlinkSync('digits.onnx', paths.output), false],
  ] as const)('not %s, unless it is forced and a file', async (_, place, forcible) => {
    place();
    const before = existsSync(paths.output) ? lstatSync(paths.output).ino : null;
    expect(await problemOf(claim())).toMatchObject({ code: 'output-unusable', file: paths.output });
    if (forcible) expect(await problemOf(claim(true))).toBeNull();
    else expect(await problemOf(claim(true))).toMatchObject({ code: 'output-unusable' });
    if (before !== null) expect(lstatSync(paths.output).ino).toBe(before);
  });

  it('before the model is read', async () => {
    symlinkSync('/dev/null', paths.output);
    const stages: string[] = [];
    const run = runPipeline(
      {
        kind: 'run',
        config: { model: 'none.onnx', data: { calibration: { arrays: 'none.npy' } } },
        configPath: at('net.quant.yaml'),
        configSha256: '',
        allowModules: false,
      },
      (event) => {
        if (event.type === 'progress') stages.push(event.stage);
      },
    );
    expect(await problemOf(run)).toMatchObject({ code: 'output-unusable', file: paths.output });
    expect(stages).toEqual([]);
  });

  it('no name that is too long for the files beside it', async () => {
    expect(await obstacle(at(`${'x'.repeat(245)}.onnx`))).toMatch(/name of 250 bytes; at most 233/);
    expect(await obstacle(at(`${'x'.repeat(228)}.onnx`))).toBeNull();
  });
});

describe('one run at a time', () => {
  const lock = () => takeLock(paths.staging, paths.output);
  const asOwner = (owner: Partial<Owner>, number = 0) => {
    mkdirSync(paths.staging, { recursive: true });
    const file = join(paths.staging, `owner.${number}.json`);
    writeFileSync(file, JSON.stringify({ ...thisProcess(), ...owner }));
    return file;
  };

  it('a second one is told who runs', async () => {
    const first = await lock();
    const { code, message } = (await problemOf(lock()))!;
    expect(code).toBe('output-busy');
    expect(message).toContain(`process ${process.pid} on ${hostname()}`);
    await first.release();
    await (await lock()).release();
    expect(existsSync(paths.staging)).toBe(false);
  });

  it('only one of many that start at once gets a dead one’s place', async () => {
    asOwner({ pid: 2 ** 22 + 1 });
    const all = await Promise.allSettled(Array.from({ length: 20 }, lock));
    const taken = all.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(taken.length).toBeLessThanOrEqual(1);
    for (const { release } of taken) await release();
    await (await lock()).release();
  });

  it('a process with the same number that began later is another one', async () => {
    asOwner({ begun: '1' });
    await (await lock()).release();
  });

  it('an owner elsewhere counts while it shows that it lives', async () => {
    const file = asOwner({ host: 'elsewhere' });
    expect(await problemOf(lock())).toMatchObject({ code: 'output-busy' });
    utimesSync(file, 0, 0);
    await (await lock()).release();
  });

  it('nobody but the owner is disturbed', async () => {
    const held = await lock();
    writeFileSync(join(paths.staging, STAGED.model), 'model');
    expect(await recoverOutput(paths)).toBe(false);
    expect(existsSync(join(paths.staging, STAGED.model))).toBe(true);
    await held.release();
  });
});

describe('a run that is killed', () => {
  /** The staging folder of a dead process, in each of the states that `commit.ts` lists. */
  const left = (files: readonly string[]) => {
    mkdirSync(paths.staging);
    writeFileSync(
      join(paths.staging, 'owner.0.json'),
      JSON.stringify({ ...thisProcess(), pid: 2 ** 22 + 1 }),
    );
    const commit = JSON.stringify({ format: 1, data: 'net.int8.onnx.0123456789abcdef.data' });
    for (const file of files)
      writeFileSync(join(paths.staging, file), file === STAGED.commit ? commit : `new ${file}`);
  };

  const all = [STAGED.model, STAGED.data, STAGED.report];
  const data = 'net.int8.onnx.0123456789abcdef.data';

  it.each([[[]], [[STAGED.model]], [[STAGED.data, STAGED.model]], [all]])(
    'is rolled back before all is complete: %j',
    async (files) => {
      left(files);
      expect(await recoverOutput(paths)).toBe(false);
      expect(names()).toEqual(['digits.onnx']);
    },
  );

  it.each([
    [[]],
    [[data]],
    [[data, 'net.int8.onnx.report.json']],
    [[data, 'net.int8.onnx.report.json', 'net.int8.onnx']],
  ])('is completed afterwards, with %j moved', async (moved) => {
    const staged = new Map([
      [data, STAGED.data],
      ['net.int8.onnx.report.json', STAGED.report],
      ['net.int8.onnx', STAGED.model],
    ]);
    await write();
    left([...[...staged].filter(([name]) => !moved.includes(name)).map(([, file]) => file), STAGED.commit]);
    if (moved.includes(data)) writeFileSync(at(data), 'new data');
    expect(await recoverOutput(paths)).toBe(true);
    const model = readFileSync(paths.output, 'utf8');
    expect(model === 'new model').toBe(!moved.includes('net.int8.onnx'));
    expect(readFileSync(at(data), 'utf8')).toBe('new data');
    expect(names().filter((name) => name !== data)).toEqual([
      'digits.onnx',
      'net.int8.onnx',
      'net.int8.onnx.report.json',
    ]);
  });

  it('is ended by the next run of any output in the folder', async () => {
    left([STAGED.model]);
    const other = runPaths({
      config: { model: 'digits.onnx', data: { calibration: { arrays: 'x.npy' } } },
      configPath: at('other.quant.yaml'),
    });
    await (await claimOutput(other, { inputs: [], force: false })).release();
    expect(names()).toEqual(['digits.onnx']);
  });

  it('replaces nothing that came to lie there since', async () => {
    left([...all, STAGED.commit]);
    writeFileSync(paths.output, 'notes');
    expect(await recoverOutput(paths)).toBe(false);
    expect(readFileSync(paths.output, 'utf8')).toBe('notes');
    expect(existsSync(paths.staging)).toBe(false);
  });
});

describe('a folder that came with the config', () => {
  const victim = () => {
    mkdirSync(at('victim'));
    writeFileSync(at('victim/precious.txt'), 'mine');
    return at('victim');
  };

  const precious = () => readFileSync(at('victim/precious.txt'), 'utf8');

  it('may be a link where a run stages: nothing is removed behind it', async () => {
    symlinkSync(victim(), paths.staging);
    expect(await recoverOutput(paths)).toBe(false);
    expect(await problemOf(claim())).toMatchObject({ code: 'output-unusable', file: paths.output });
    expect(precious()).toBe('mine');
  });

  it('may hold links where a run writes: nothing is written through them', async () => {
    victim();
    mkdirSync(paths.staging);
    for (const name of [STAGED.model, STAGED.report, STAGED.data])
      symlinkSync(at('victim/precious.txt'), join(paths.staging, name));
    await write(true);
    expect(precious()).toBe('mine');
  });

  it('may say that any file is external data: none is replaced', async () => {
    for (const data of ['digits.onnx', '..', '../x', 'net.int8.onnx.notes.data']) {
      mkdirSync(paths.staging);
      writeFileSync(join(paths.staging, STAGED.data), 'forged');
      writeFileSync(join(paths.staging, STAGED.commit), JSON.stringify({ format: 1, data }));
      expect(await recoverOutput(paths)).toBe(false);
    }

    expect(names()).toEqual(['digits.onnx']);
  });

  it('may have a FIFO for its owner: nobody waits for it', async () => {
    mkdirSync(paths.staging);
    execFileSync('mkfifo', [join(paths.staging, 'owner.0.json'), join(paths.staging, STAGED.commit)]);
    await write();
    expect(existsSync(paths.staging)).toBe(false);
  });

  it('may be a link where runs are kept: nothing is kept or removed behind it', async () => {
    const { history } = paths;
    mkdirSync(join(history, '..'), { recursive: true });
    symlinkSync(victim(), history);
    const run = { paths, configPath: at('net.quant.yaml'), configText: '', report: sampleReport() };
    expect(await keepRun(run, { runs: 0, bytes: 0 })).toMatchObject({ code: 'history-not-written' });
    expect(readdirSync(at('victim'))).toEqual(['precious.txt']);
  });

  it('may have files of others among the runs: they stay', async () => {
    const { history } = paths;
    mkdirSync(join(history, 'a mine'), { recursive: true });
    const run = { paths, configPath: at('net.quant.yaml'), configText: '', report: sampleReport() };
    expect(await keepRun(run, { runs: 0, bytes: 0 })).toBeNull();
    expect(readdirSync(history)).toHaveLength(2);
  });
});

describe('external data', () => {
  it('has a name by its content; that of the model before goes with it', async () => {
    await write(true);
    const [name] = names().filter((entry) => entry.endsWith('.data'));
    const old = at('net.int8.onnx.0123456789abcdef.data');
    writeFileSync(old, 'old');
    writeFileSync(at('net.int8.onnx.notes.data'), 'mine');
    await write(true);
    expect(names()).toEqual([
      'digits.onnx',
      'net.int8.onnx',
      name,
      'net.int8.onnx.notes.data',
      'net.int8.onnx.report.json',
    ]);
    await write(false);
    expect(names().filter((entry) => entry.endsWith('.data'))).toEqual(['net.int8.onnx.notes.data']);
  });

  it('is never written to where something special lies', async () => {
    mkdirSync(paths.staging);
    mkdirSync(at('x'));
    expect(await problemOf(commitOutput(paths, 'x', []))).toMatchObject({ code: 'write-failed' });
  });
});

describe('a model that changes during the run', () => {
  it('is reported as it was read, and said to differ', async () => {
    const data = new URL('../../examples/digits/data/calibration.npy', import.meta.url).pathname;
    const before = (await readModel(at('digits.onnx'))).sha256;
    const config = {
      model: 'digits.onnx',
      data: { calibration: { arrays: data, preprocess: { scale: 16, layout: 'nchw' as const } } },
    };
    const request = { kind: 'run' as const, config, configPath: at('net.quant.yaml'), configSha256: '' };
    const { report } = await runPipeline({ ...request, allowModules: false }, (event) => {
      if (event.type === 'progress' && event.stage === 'calibrate')
        writeFileSync(at('digits.onnx'), 'another model');
    });
    expect(report.model).toEqual({ path: 'digits.onnx', sha256: before });
    expect(report.warnings.map(({ code }) => code)).toContain('model-changed');
  });
});

describe('history', () => {
  const run = (created: string) => ({
    paths,
    configPath: at('net.quant.yaml'),
    configText: 'model: digits.onnx\n',
    report: { ...sampleReport({}), created },
  });
  const kept = () => readdirSync(paths.history).sort();

  it('keeps report and config text of each run, up to a number and a size', async () => {
    for (const second of [1, 2, 3, 4])
      expect(await keepRun(run(`2026-01-01T00:00:0${second}.000Z`), { runs: 3, bytes: 1e6 })).toBeNull();
    expect(kept()).toEqual([2, 3, 4].map((second) => `2026-01-01T00-00-0${second}.000Z`));
    expect(readdirSync(join(paths.history, kept()[0]!))).toEqual(['net.quant.yaml', 'report.json']);
    expect(readFileSync(at('.quantsmith/.gitignore'), 'utf8')).toBe('*\n');
    await keepRun(run('2026-01-01T00:00:05.000Z'), { runs: 3, bytes: 1 });
    expect(kept()).toEqual(['2026-01-01T00-00-05.000Z']);
  });

  it('removes what a killed run left of it, and not what a living one writes', async () => {
    mkdirSync(join(paths.history, `a~${2 ** 22 + 1}`), { recursive: true });
    mkdirSync(join(paths.history, `b~${process.pid}`));
    await keepRun(run('2026-01-01T00:00:01.000Z'));
    expect(kept()).toEqual(['2026-01-01T00-00-01.000Z', `b~${process.pid}`]);
  });

  it.skipIf(process.getuid?.() === 0)('is off in a folder that is read-only', async () => {
    chmodSync(folder, 0o500);
    expect(await keepRun(run('2026-01-01T00:00:01.000Z'))).toMatchObject({ code: 'history-not-written' });
    chmodSync(folder, 0o700);
  });

  it('is off where a file has its place', async () => {
    writeFileSync(at('.quantsmith'), '');
    expect(await keepRun(run('2026-01-01T00:00:01.000Z'))).toMatchObject({ code: 'history-not-written' });
  });
});
