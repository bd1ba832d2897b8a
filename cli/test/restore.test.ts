import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { QuantizationReport } from '@quantsmith/schemas';
import { builtCli } from '../../test/kit/builtCli.js';
import { copyDigits } from '../../test/kit/digits.js';

const cli = builtCli();
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-restore-'));
let folder = '';

afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'case-'));
  copyDigits(folder);
});

/** The example with another target and other limits; with 2-bit weights there is much to restore. */
function hard(control: string, bits = 2): string {
  const text = readFileSync(join(folder, 'digits.quant.yaml'), 'utf8')
    .replace('output: digits', 'output: hard')
    .replace('num_bits: 4', `num_bits: ${bits}`)
    .replace('max_drop: 0.01', control);
  writeFileSync(join(folder, 'hard.quant.yaml'), text);
  return 'hard.quant.yaml';
}

const start = (...args: string[]) =>
  spawn(process.execPath, [cli, 'run', '--no-cache', ...args], { cwd: folder });
const run = (...args: string[]) =>
  spawnSync(process.execPath, [cli, 'run', '--no-cache', ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
/** How many values the weight of an operator has, as `quantsmith inspect` tells. */
function weightElements(model: string, operator: string): number {
  const { stdout } = spawnSync(process.execPath, [cli, 'inspect', model, '--json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const { nodes } = JSON.parse(stdout) as { nodes: { name: string; constants: Record<string, number[]> }[] };
  return nodes.find(({ name }) => name === operator)!.constants['1']!.reduce((a, b) => a * b, 1);
}

const ended = (child: ChildProcess) => new Promise((resolve) => child.once('close', resolve));
const report = () =>
  JSON.parse(readFileSync(join(folder, 'hard.int8.onnx.report.json'), 'utf8')) as QuantizationReport;
/** All but the times, which no two runs share. */
const restorationOf = ({ restoration }: QuantizationReport) => ({
  ...restoration!,
  costs: restoration!.costs!.map(({ operators, size_bytes: size }) => [operators, size]),
});
const journal = () => join(folder, 'hard.int8.onnx.restore.jsonl');
const entries = () => (existsSync(journal()) ? readFileSync(journal(), 'utf8').split('\n').length - 1 : 0);

describe('limits of restoration', () => {
  it.each([1, 3])('at most %i groups of operators in float', (limit) => {
    const path = hard(`max_drop: 0\n  advanced_accuracy_restorer_params: {max_num_iterations: ${limit}}`, 4);
    const { status, stdout } = run(path);
    const { restoration, metric } = report();
    expect(restoration!.reverted.length).toBeGreaterThan(0);
    expect(restoration!.reverted.length).toBeLessThanOrEqual(limit);
    expect(restoration!.stop_reason).toMatch(`limit of ${limit} iteration`);
    expect(metric!.quantized).toBeGreaterThan(metric!.quantized_initial);
    expect(stdout).toMatch(/target missed/);
    expect(status).toBe(5);
  });
  it('no limit: the target is met', () => {
    const { status } = run(hard('max_drop: 0'));
    const { restoration, metric } = report();
    expect(metric!.drop).toBeLessThanOrEqual(0);
    expect(restoration!.stop_reason).toMatch(/The target was met with \d+ operators? back in float/);
    expect(status).toBe(0);
  });
  it('what each operator in float costs: three of four bytes of its weights more, and some time', () => {
    run(hard('max_drop: 0\n  advanced_accuracy_restorer_params: {max_num_iterations: 1}', 4));
    const { restoration, model } = report();
    const [cost, ...others] = restoration!.costs!;
    expect(others).toEqual([]);
    expect(cost!.operators).toEqual(restoration!.reverted);
    const elements = weightElements(model.path, cost!.operators[0]!);
    // Scales and zero points of the channels are what float saves.
    expect(cost!.size_bytes).toBeGreaterThan(2 * elements);
    expect(cost!.size_bytes).toBeLessThanOrEqual(3 * elements);
    expect(cost!.latency_ms).toSatisfy(Number.isFinite);
  });
  it('a limit of time: the best so far is written, and said to be that', () => {
    const { status } = run(hard('max_drop: 0\n  time_limit: 0.001'));
    expect(report().restoration!.stop_reason).toMatch(/time limit/);
    expect(existsSync(join(folder, 'hard.int8.onnx'))).toBe(true);
    expect(status).toBe(5);
  });
  it('the mixed preset and other settings come before float, where the config wants them', () => {
    const params = '{convert_to_mixed_preset: true, tune_hyperparams: true}';
    const text = readFileSync(join(folder, 'digits.quant.yaml'), 'utf8');
    writeFileSync(
      join(folder, 'tuned.quant.yaml'),
      text
        .replace('output: digits', 'output: hard')
        .replace('max_drop: 0.01', `max_drop: 0.01\n  advanced_accuracy_restorer_params: ${params}`),
    );
    expect(run('tuned.quant.yaml').status).toBe(0);
    const { restoration, metric } = report();
    const remedies = restoration!.remedies!;
    expect(remedies[0]).toMatchObject({ setting: 'preset', value: 'mixed' });
    expect(remedies.some(({ kept }) => kept)).toBe(true);
    expect(restoration!.reverted).toEqual([]);
    expect(metric!.satisfied).toBe(true);
  });
});

describe.skipIf(process.platform === 'win32')('a run that is killed while it restores', () => {
  it('resumes where it stood, and gives what it would have given', async () => {
    const path = hard('max_drop: 0');
    expect(run(path).status).toBe(0);
    const whole = { model: readFileSync(join(folder, 'hard.int8.onnx')), report: report() };
    rmSync(join(folder, 'hard.int8.onnx'));

    const child = start(path);
    const closed = ended(child);
    // The identity, both models' evaluations, and something of the search.
    await vi.waitFor(() => expect(entries()).toBeGreaterThan(5), { timeout: 500_000, interval: 1 });
    child.kill('SIGKILL');
    await closed;
    expect(existsSync(join(folder, 'hard.int8.onnx'))).toBe(false);

    const { status, stderr } = run(path, '--resume');
    expect(stderr).not.toMatch(/nothing-to-resume/);
    expect(status).toBe(0);
    expect(readFileSync(join(folder, 'hard.int8.onnx')).equals(whole.model)).toBe(true);
    expect(restorationOf(report())).toEqual(restorationOf(whole.report));
    expect(existsSync(journal())).toBe(false);
  });
  it('passes over a last line that was cut short, and over the journal of another config', () => {
    const path = hard('max_drop: 0');
    expect(run(path).status).toBe(0);
    const wanted = restorationOf(report());
    writeFileSync(
      journal(),
      '["identity","of another run"]\n["initial",{"value":1,"records":[]}]\n["restore',
    );
    const { status, stderr } = run(path, '--resume');
    expect(stderr).toMatch(/nothing-to-resume/);
    expect(status).toBe(0);
    expect(restorationOf(report())).toEqual(wanted);
  });
});
