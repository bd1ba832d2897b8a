import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QuantizationReport } from '@quantsmith/schemas';
import { Redis } from 'ioredis';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { builtCli } from '../../test/kit/builtCli.js';
import { copyDigits } from '../../test/kit/digits.js';
import { timeless } from '../../test/kit/timeless.js';
import { freePort, hasRedis } from '../../test/kit/redis.mjs';
import { startCommand, startRedis, type Command } from './processes.js';

const cli = builtCli();
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-redis-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const running: { kill: (signal: 'SIGKILL') => unknown }[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

const PASSWORD = 'secret-of-the-test';

/** The bundled example with one thread, and a target that takes some searching. */
function example(): string {
  copyDigits(folder);
  const path = join(folder, 'digits.quant.yaml');
  const text = readFileSync(path, 'utf8').replace(
    '    overflow_fix: disable',
    '    overflow_fix: disable\n    backend_params: {threads: 1}',
  );
  writeFileSync(path, text);
  return path;
}

const command = (args: readonly string[], port: number): Command => {
  const env = { ...process.env, QUANTSMITH_REDIS: `redis://:${PASSWORD}@127.0.0.1:${port}` };
  const started = startCommand(cli, args, env);
  running.push(started.child);
  return started;
};

describe.skipIf(!hasRedis)('workers over Redis', () => {
  it('measure what one process does, whichever of them dies, and nothing is left over', async () => {
    const config = example();
    const port = await freePort();
    const store = join(folder, 'store');
    const output = (name: string) => ['--output', join(folder, name), '--no-cache'];
    const alone = command(['run', config, ...output('alone.onnx')], port);
    const redis = await startRedis(port, folder, PASSWORD);
    running.push(redis);
    const worker = () => command(['worker', '--redis', '--store', store], port);
    const [first, second] = [worker(), worker()];
    for (const started of [first, second]) await started.until('Waiting for work');
    expect(await alone.ended).toBe(0);

    const shared = command(['run', config, '--redis', '--store', store, ...output('shared.onnx')], port);
    await shared.until('validate …');
    first.child.kill('SIGKILL');
    expect(await shared.ended).toBe(0);
    const model = (name: string) => readFileSync(join(folder, name)).toString('base64');
    expect(model('shared.onnx')).toBe(model('alone.onnx'));
    const reported = (name: string) => {
      const report = timeless(
        JSON.parse(readFileSync(join(folder, `${name}.report.json`), 'utf8')) as QuantizationReport,
      );
      return { ...report, output: { ...report.output, path: '' } };
    };

    expect(reported('shared.onnx')).toEqual(reported('alone.onnx'));
    const units = readdirSync(join(store, 'units')).length;
    expect(units).toBeGreaterThan(3);

    // A sweep offers what its runs measure, too, and its models are those of a sweep without workers.
    const swept = (name: string, ...options: string[]) => {
      const text = readFileSync(config, 'utf8').replace('digits.int8.onnx', `${name}.onnx`);
      const file = join(folder, `${name}.quant.yaml`);
      writeFileSync(file, `${text}\nmatrix: {quantization.preset: [mixed, performance]}\n`);
      return command(['sweep', file, '--no-cache', ...options], port);
    };

    const sweeps = [swept('apart'), swept('offered', '--redis', '--store', store)];
    for (const sweep of sweeps) expect(await sweep.ended, sweep.said()).toBe(0);
    for (const preset of ['mixed', 'performance'])
      expect(model(`offered.preset=${preset}.onnx`)).toBe(model(`apart.preset=${preset}.onnx`));
    expect(readdirSync(join(store, 'units')).length).toBeGreaterThan(units);

    // Another run of the same finds all in the store; Redis may be gone.
    redis.kill('SIGKILL');
    await once(redis, 'exit');
    const again = command(['run', config, '--redis', '--store', store, ...output('again.onnx')], port);
    expect(await again.ended).toBe(0);
    expect(model('again.onnx')).toBe(model('alone.onnx'));

    // The worker waits for a server that comes back, and ends when it is told to.
    await second.until('cannot be reached');
    const next = await startRedis(port, folder, PASSWORD);
    running.push(next);
    await second.until('is back');
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    const client = new Redis({ port, host: '127.0.0.1', password: PASSWORD });
    expect(await client.keys('quantsmith:*')).toEqual([]);
    expect((await client.keys('*')).filter((key) => /:[0-9a-f]{64}$/.test(key))).toEqual([]);
    client.disconnect();

    const said = [alone, shared, again, first, second].map((one) => one.said()).join('\n');
    expect(said).not.toContain(PASSWORD);
    expect(readdirSync(join(store, 'staging'))).toEqual([]);
  });

  it('says what is missing', async () => {
    const path = join(folder, 'digits.quant.yaml');
    for (const [args, text] of [
      [['worker', '--redis'], 'Name the folder'],
      [['run', path, '--store', folder], '--store needs --redis'],
      [['run', path, '--redis', 'http://host', '--store', folder], 'The address of Redis must be'],
    ] as const) {
      const failing = command(args, 1);
      expect(await failing.ended).toBe(2);
      expect(failing.said()).toContain(text);
    }
  });
});
