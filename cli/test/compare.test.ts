import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { compareCommand, type CompareCommandOptions } from '../src/commands/compare.js';
import { openMessages } from '../src/output/messages.js';

const model = fileURLToPath(new URL('../../examples/digits/digits.onnx', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-compare-'));
const at = (name: string) => join(folder, name);
const save = (name: string, value: unknown) => {
  writeFileSync(at(name), JSON.stringify(value));
  return at(name);
};

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Exit code and what was printed. */
const run = (a: string, b: string, options: CompareCommandOptions) => runAll([a, b], options);

async function runAll(paths: readonly string[], options: CompareCommandOptions) {
  const out: string[] = [];
  const err: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void out.push(text));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
  const session = { messages: openMessages({}), json: false };
  const code = await compareCommand(paths, options, session);
  return { code, out: out.join('\n').replace(/ +/g, ' '), err: err.join('') };
}

afterEach(() => vi.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('quantsmith compare', () => {
  it('two reports, as text, Markdown and JSON', async () => {
    const a = save('a.report.json', sampleReport());
    const b = save(
      'b.report.json',
      sampleReport({ size: { float_bytes: 80_000, quantized_bytes: 30_000, ratio: 2.67 } }),
    );
    expect((await run(a, b, { format: 'table' })).out).toContain('size 20.0 kB 30.0 kB +50.0 %');
    expect((await run(a, b, { format: 'markdown' })).out).toContain('| size | 20.0 kB | 30.0 kB | +50.0 % |');
    const { code, out } = await run(a, b, { format: 'json' });
    const json = JSON.parse(out) as { a: { bytes: number }; b: { bytes: number }; layers: unknown[] };
    expect([code, json.a.bytes, json.b.bytes, json.layers]).toEqual([0, 20_000, 30_000, []]);
  });

  it('models by their structure, with what a report beside measured where it is of that file', async () => {
    copyFileSync(model, at('float.onnx'));
    copyFileSync(model, at('net.int8.onnx'));
    const bare = await run(at('float.onnx'), at('net.int8.onnx'), { format: 'table' });
    expect(bare.code).toBe(0);
    expect(bare.out).toContain('size 83.7 kB 83.7 kB 0.0 %');
    expect(bare.out).not.toContain('top1');

    const output = { path: at('net.int8.onnx'), sha256: 'f'.repeat(64) };
    const source = { path: at('float.onnx'), sha256: sha256(model) };
    save('net.int8.onnx.report.json', sampleReport({ output, model: source }));
    const ofAnother = await run(at('float.onnx'), at('net.int8.onnx'), { format: 'table' });
    expect(ofAnother.out).not.toContain('top1');

    save(
      'net.int8.onnx.report.json',
      sampleReport({ output: { ...output, sha256: sha256(model) }, model: source }),
    );
    const measured = await run(at('float.onnx'), at('net.int8.onnx'), { format: 'table' });
    expect(measured.out).toContain('top1 98.00 % 97.50 % -0.50 points');
    expect(measured.out).toContain('latency 2.00 ms 1.00 ms -50.0 %');
  });

  it('more than two: settings that differ, figures with tests, the layers that changed most', async () => {
    const base = sampleReport();
    const at30 = base.layers.map((layer) => ({ ...layer, sqnr_db: 30 }));
    const lost = at30.map((layer, index) => ({ ...layer, sqnr_db: index === 0 ? 12 : 30 }));
    const reports = [
      save('a.report.json', sampleReport({ layers: at30 })),
      save('b.report.json', sampleReport({ layers: at30, metric: { ...base.metric!, quantized: 0.99 } })),
      save('c.report.json', sampleReport({ layers: lost })),
    ];
    const { out, code } = await runAll(reports, {});
    expect(code).toBe(0);
    expect(out).toMatch(/^b\.report\.json .*\n.*a\.report\.json/m);
    expect(out).toContain('Layers that changed most');
    const limited = await runAll(reports, { maxSize: { absolute: 1 }, format: 'json' });
    expect(limited.code).toBe(5);
    expect(limited.err).toContain('c.report.json: The size is');
    const { runs, settings } = JSON.parse(limited.out) as { runs: { is_best: boolean }[]; settings: null };
    expect([settings, runs.map((each) => each.is_best)]).toEqual([null, [false, true, false]]);

    await runAll(reports, { output: at('runs.html') });
    expect(readFileSync(at('runs.html'), 'utf8')).toContain('href="a.report.html"');
    expect(readFileSync(at('a.report.html'), 'utf8')).toContain('content="quantsmith"');
    // What is no page of ours is not replaced.
    writeFileSync(at('a.report.html'), 'mine');
    const { err } = await runAll(reports, { output: at('runs.html') });
    expect(err).toContain('that quantsmith did not write');
    expect(readFileSync(at('a.report.html'), 'utf8')).toBe('mine');
    expect(readFileSync(at('runs.html'), 'utf8')).toContain('href="a.report.json"');
  });

  describe('settings of configs that extend others', () => {
    const BASE = 'model: net.onnx\nquantization: {preset: mixed, subset_size: 10}\n';
    const CONFIG = 'extends: base.yaml\nquantization: {preset: performance}\n';
    /** A report beside its config, and the run as the history keeps it. */
    const keep = (name: string, text: string, base: string) => {
      const created = `2026-01-01T00:00:00.00${name.length}Z`;
      const config = {
        path: name,
        sha256: createHash('sha256').update([text, base].join('\0')).digest('hex'),
      };
      const report = sampleReport({ created, config });
      const kept = at(join('.quantsmith', 'runs', name, created.replaceAll(':', '-')));
      mkdirSync(kept, { recursive: true });
      writeFileSync(join(kept, name), text);
      const back = { ...config, path: join('..', '..', '..', '..', name) };
      writeFileSync(join(kept, 'report.json'), JSON.stringify({ ...report, config: back }));
      return save(`${name}.report.json`, report);
    };

    const compared = async () => {
      writeFileSync(at('base.yaml'), BASE);
      const first = keep('e.quant.yaml', CONFIG, BASE);
      const other = keep('ee.quant.yaml', `${BASE}extends: base.yaml\n`, BASE);
      return runAll([first, other, first], { format: 'json' });
    };

    it('are those that they inherit, too', async () => {
      const { settings } = JSON.parse((await compared()).out) as { settings: unknown };
      expect(settings).toEqual([
        { setting: 'quantization.preset', values: ['"performance"', '"mixed"', '"performance"'] },
      ]);
    });

    it('are not told where the base has changed since', async () => {
      await compared();
      const files = ['e', 'ee', 'e'].map((name) => at(`${name}.quant.yaml.report.json`));
      writeFileSync(at('base.yaml'), BASE.replace('10', '20'));
      const { out } = await runAll(files, { format: 'json' });
      expect((JSON.parse(out) as { settings: unknown }).settings).toBeNull();
    });
  });

  it('more than two are compared by their reports', async () => {
    copyFileSync(model, at('bare.onnx'));
    const a = save('a.report.json', sampleReport());
    await expect(runAll([a, a, at('bare.onnx')], {})).rejects.toThrow(/is a model without a report/);
    await expect(runAll([a], {})).rejects.toThrow(/two or more/);
  });

  it('names every side that cannot be read', async () => {
    await expect(run(at('none.onnx'), at('none.json'), { format: 'table' })).rejects.toThrow(
      /^The model file .*none\.onnx does not exist\. The report .*none\.json does not exist/,
    );
  });

  it('ends with 5 when the second does not keep a limit, and says which', async () => {
    const a = save('a.report.json', sampleReport());
    const b = save(
      'b.report.json',
      sampleReport({ size: { float_bytes: 80_000, quantized_bytes: 30_000, ratio: 2.67 } }),
    );
    const kept = { maxDrop: 0, maxLatency: { times: 1 }, maxSize: { absolute: 30_000 } };
    expect((await run(a, b, { format: 'table', ...kept })).code).toBe(0);
    const { code, err } = await run(a, b, { format: 'table', ...kept, maxSize: { times: 1.2 } });
    expect(code).toBe(5);
    expect(err).toBe('error: The size is 30.0 kB, 24.0 kB is allowed. [limit-exceeded]\n');
  });

  it('keeps no limit by a figure that nobody measured', async () => {
    copyFileSync(model, at('one.onnx'));
    const { code, err } = await run(at('one.onnx'), at('one.onnx'), {
      format: 'table',
      maxDrop: 1,
      maxLatency: { absolute: 1000 },
    });
    expect(code).toBe(5);
    expect(err).toMatch(/The drop is not known.*\n.*The latency of .*one\.onnx is not known/);
  });
});
