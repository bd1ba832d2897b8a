import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { validateReport } from '@quantsmith/schemas';
import { check, compare, inspect, quantize, QuantsmithError, readReport, report } from '../src/index.js';
import { builtCli } from '../../test/kit/builtCli.js';

/** The API runs the built engine. */
builtCli();
const examples = fileURLToPath(new URL('../../examples/digits/', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-api-'));
let baseDir = '';

afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeEach(() => {
  baseDir = mkdtempSync(join(scratch, 'case-'));
  copyFileSync(join(examples, 'digits.onnx'), join(baseDir, 'digits.onnx'));
  cpSync(join(examples, 'data'), join(baseDir, 'data'), { recursive: true });
});

const CONFIG = {
  model: 'digits.onnx',
  data: { calibration: { arrays: 'data/calibration.npy', preprocess: { scale: 16 }, limit: 20 } },
};
const problemOf = (run: Promise<unknown>) =>
  run.then(
    () => null,
    (error: unknown) => (error instanceof QuantsmithError ? error.problem : error),
  );

describe('quantize', () => {
  it('takes a config as an object, tells its progress and says what it wrote', async () => {
    const stages: string[] = [];
    const made = await quantize(CONFIG, { baseDir, onProgress: ({ stage }) => stages.push(stage) });
    expect(made.modelPath).toBe(join(baseDir, 'digits.int8.onnx'));
    expect(made.reportPath).toBe(`${made.modelPath}.report.json`);
    expect(existsSync(made.modelPath)).toBe(true);
    expect(validateReport(made.report)).toEqual([]);
    expect(made.report).toEqual(await readReport(made.modelPath));
    expect([...new Set(stages)]).toEqual(expect.arrayContaining(['load', 'calibrate', 'write']));
  });

  it('gives the bytes that the same config gives as a file', async () => {
    const { modelPath } = await quantize(CONFIG, { baseDir, output: join(baseDir, 'object.onnx') });
    writeFileSync(join(baseDir, 'net.quant.json'), JSON.stringify(CONFIG));
    const file = await quantize(join(baseDir, 'net.quant.json'));
    expect(readFileSync(file.modelPath).equals(readFileSync(modelPath))).toBe(true);
  });

  it('may have the output of a config that lies in the folder', async () => {
    writeFileSync(join(baseDir, 'digits.quant.json'), JSON.stringify(CONFIG));
    writeFileSync(
      join(baseDir, 'digits.quant.yaml'),
      JSON.stringify({ ...CONFIG, output: 'digits.int8.onnx' }),
    );
    expect((await quantize(CONFIG, { baseDir })).modelPath).toBe(join(baseDir, 'digits.int8.onnx'));
  });

  it('rejects with the findings of a config that is not valid', async () => {
    const config = { ...CONFIG, quantization: { subset_size: -1 } };
    expect(await problemOf(quantize(config, { baseDir }))).toMatchObject({
      code: 'config-invalid',
      configPath: ['quantization', 'subset_size'],
      data: { findings: [{ code: 'out-of-range', severity: 'error', range: null }] },
    });
  });

  it('rejects with what would end the run, before it starts', async () => {
    const calibration = { ...CONFIG.data.calibration, preprocess: { scale: 16, center_crop: 4 } };
    expect(await problemOf(quantize({ ...CONFIG, data: { calibration } }, { baseDir }))).toMatchObject({
      code: 'config-invalid',
      data: { findings: [{ code: 'sample-shape' }] },
    });
  });

  it('rejects with the reason of a signal, and leaves nothing behind', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const run = quantize(CONFIG, { baseDir, signal: abort.signal, onProgress: () => abort.abort(reason) });
    expect(await problemOf(run)).toBe(reason);
    expect(existsSync(join(baseDir, 'digits.int8.onnx'))).toBe(false);
    expect(await problemOf(quantize(CONFIG, { baseDir, signal: AbortSignal.abort(reason) }))).toBe(reason);
  });
});

describe('check, inspect, report, compare', () => {
  it('checks a file with places, and an object without', async () => {
    writeFileSync(join(baseDir, 'net.quant.yaml'), 'model: digits.onnx\ndata: {}\nfoo: 1\n');
    const file = await check(join(baseDir, 'net.quant.yaml'));
    expect(file.valid).toBe(false);
    expect(file.findings.find(({ code }) => code === 'unknown-key')).toMatchObject({
      configPath: ['foo'],
      range: { start: { line: 2, character: 0 } },
    });
    expect(await check(CONFIG, { baseDir })).toEqual({ valid: true, findings: [] });
  });

  it('reads structures and reports, and names what it cannot read', async () => {
    expect((await inspect(join(baseDir, 'digits.onnx'))).inputs[0]).toMatchObject({ name: 'image' });
    expect(await problemOf(inspect(join(baseDir, 'none.onnx')))).toMatchObject({ code: 'model-not-found' });
    expect(await problemOf(report(join(baseDir, 'none.json')))).toMatchObject({ code: 'report-unreadable' });
    // A config is told what to name instead, and so is one of JSON.
    writeFileSync(join(baseDir, 'net.quant.yaml'), 'model: digits.onnx\noutput: small.onnx\n');
    writeFileSync(join(baseDir, 'net.quant.json'), '{"model": "digits.onnx"}');
    writeFileSync(join(baseDir, 'small.onnx.report.json'), '{}');
    const [yaml, json] = ['net.quant.yaml', 'net.quant.json'].map((name) => join(baseDir, name));
    expect(await problemOf(report(yaml!))).toMatchObject({
      message: expect.stringMatching(
        /is a config, not a report: name .*small\.onnx\.report\.json, which its run/,
      ),
    });
    expect(await problemOf(compare(yaml!, json!))).toMatchObject({
      message: expect.stringMatching(
        /name .*small\.onnx.* writes its report to .*net\.int8\.onnx\.report\.json, which/,
      ),
    });
  });

  it('renders in every format, and compares with limits', async () => {
    const { modelPath, report: value, reportPath } = await quantize(CONFIG, { baseDir });
    expect(await report(modelPath)).toMatch(/^Quantization report\n/);
    expect(await report(value, { format: 'markdown' })).toMatch(/^## Quantization report/);
    expect(await report(value, { format: 'html' })).toMatch(/^<!DOCTYPE html>/i);
    expect(JSON.parse(await report(value, { format: 'json' }))).toEqual(value);
    expect(JSON.parse(await report(value, { format: 'sarif', reportPath }))).toHaveProperty(
      'version',
      '2.1.0',
    );
    const limits = { maxSize: { times: 0.1 }, maxLatency: { absolute: 60_000 } };
    const { exceeded } = await compare(join(baseDir, 'digits.onnx'), modelPath, { limits });
    expect(exceeded).toMatchObject([{ limit: 'max_size', found: value.size.quantized_bytes }]);
  });
});
