import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { sampleReport } from '../../report/test/sample.js';
import { compareCommand } from '../src/commands/compare.js';

const model = fileURLToPath(new URL('../../examples/digits/digits.onnx', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-compare-'));
const at = (name: string) => join(folder, name);
const save = (name: string, value: unknown) => {
  writeFileSync(at(name), JSON.stringify(value));
  return at(name);
};
const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Exit code and what was printed. */
async function run(...args: Parameters<typeof compareCommand>) {
  const out: string[] = [];
  const err: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void out.push(text));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void err.push(text));
  const code = await compareCommand(...args);
  return { code, out: out.join('\n').replace(/ +/g, ' '), err: err.join('\n') };
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

  it('names every side that cannot be read', async () => {
    const { code, out, err } = await run(at('none.onnx'), at('none.json'), { format: 'table' });
    expect([code, out]).toEqual([4, '']);
    expect(err).toMatch(
      /^error: .*none\.onnx does not exist\. \[model-not-found\]\nerror: The report .*none\.json/,
    );
  });
});
