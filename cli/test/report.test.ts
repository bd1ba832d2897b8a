import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { layer, sampleReport } from '../../test/kit/sampleReport.js';
import { reportCommand } from '../src/commands/report.js';

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-report-'));
const at = (name: string) => join(folder, name);
const CONFIG = `model: net.onnx
quantization:
  advanced_parameters:
    overflow_fix: disable
accuracy_control:
  max_drop: 0.01
`;
const report = (change: Parameters<typeof sampleReport>[0] = {}) =>
  sampleReport({
    config: { path: at('net.quant.yaml'), sha256: createHash('sha256').update(CONFIG).digest('hex') },
    metric: { ...sampleReport().metric!, drop: 0.03, satisfied: false, ci95: [0.02, 0.04] },
    ...change,
  });
const save = (name: string, value: unknown) => {
  writeFileSync(at(name), JSON.stringify(value));
  return at(name);
};

/** Exit code and what was printed. */
async function run(...args: Parameters<typeof reportCommand>) {
  const out: string[] = [];
  const err: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void out.push(text));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void err.push(text));
  const code = await reportCommand(...args);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

interface Sarif {
  runs: [
    {
      originalUriBaseIds: Record<string, object>;
      tool: {
        driver: {
          rules: {
            id: string;
            help: { text: string };
            helpUri: string;
            shortDescription: { text: string };
          }[];
        };
      };
      results: {
        ruleId: string;
        ruleIndex: number;
        level: string;
        partialFingerprints: Record<string, string>;
        locations: [{ physicalLocation: { artifactLocation: object; region?: { startLine: number } } }];
      }[];
    },
  ];
}

beforeAll(() => writeFileSync(at('net.quant.yaml'), CONFIG));
afterEach(() => vi.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('quantsmith report', () => {
  it('prints tables, without escapes where there is no terminal', async () => {
    const { code, out } = await run(save('a.report.json', report()), {});
    expect(code).toBe(0);
    expect(out).toMatch(/^Quantization report\nnet\.int8\.onnx, /);
    expect(out).toContain('3.00 points of 1.00 points allowed, target missed');
    expect(out).not.toContain('\u001b');
  });

  it('finds the report beside a model', async () => {
    save('net.int8.onnx.report.json', report());
    const { code, out } = await run(at('net.int8.onnx'), { format: 'json' });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(report());
  });

  it.each([
    ['page.html', /^<!DOCTYPE html>/],
    ['page.md', /^## Quantization report\n/],
    ['page.json', /^\{\n {2}"schema_version": 3,/],
    ['page.sarif', /"version": "2\.1\.0"/],
    ['page.txt', /^Quantization report\n/],
  ])('writes %s in the format that its name says', async (name, start) => {
    const { code, out } = await run(save('a.report.json', report()), { output: at(name) });
    expect([code, out]).toEqual([0, '']);
    expect(readFileSync(at(name), 'utf8')).toMatch(start);
  });

  it('SARIF: what was missed and what can overflow, on the lines of the config', async () => {
    const risky = {
      name: '/head/Gemm',
      op: 'Gemm',
      half_range: false,
      pairs_at_risk: 3,
      saturating_fraction_calibration: null,
      worst_case_exceeds: 1.2,
    };
    const changed = report({ overflow: { ...report().overflow, layers: [risky] }, layers: [layer()] });
    const { out } = await run(save('a.report.json', changed), { format: 'sarif' });
    const [log] = (JSON.parse(out) as Sarif).runs;
    const found = log.results.map(({ ruleId, level, locations: [{ physicalLocation }] }) => [
      ruleId,
      level,
      physicalLocation.region?.startLine,
    ]);
    expect(found).toContainEqual(['accuracy-drop', 'error', 6]);
    expect(found).toContainEqual(['overflow-risk', 'note', 4]);
    for (const result of log.results) {
      const rule = log.tool.driver.rules[result.ruleIndex]!;
      expect(rule.id).toBe(result.ruleId);
      expect(rule.help.text).toMatch(/^Severity: /);
      expect(new URL(rule.helpUri).hash).toBe(`#${result.ruleId}`);
      expect(rule.shortDescription.text).toMatch(/^[A-Z].*\.$/);
    }

    const fingerprints = log.results.map((result) => result.partialFingerprints['quantsmith/v1']);
    expect(new Set(fingerprints).size).toBe(log.results.length);
    expect(fingerprints[0]).toMatch(/^[0-9a-f]{16}:0$/);
    // The test's folder is not below the working folder: the whole URI stands.
    expect(log.results[0]!.locations[0].physicalLocation.artifactLocation).toEqual({
      uri: pathToFileURL(at('net.quant.yaml')).href,
    });
    // The place of the working folder is of this machine alone: files below it are relative to a name.
    expect(log.originalUriBaseIds).toEqual({
      '%SRCROOT%': { description: { text: 'The folder that was checked.' } },
    });
  });

  it('SARIF: no lines of a config that has changed since', async () => {
    const stale = report({ config: { ...report().config, sha256: 'b'.repeat(64) } });
    const { out } = await run(save('a.report.json', stale), { format: 'sarif' });
    const [log] = (JSON.parse(out) as Sarif).runs;
    expect(log.results.map(({ ruleId }) => ruleId)).toContain('accuracy-drop');
    for (const result of log.results) expect(result.locations[0].physicalLocation.region).toBeUndefined();
  });

  it('says in one sentence what cannot be read or written', async () => {
    await expect(run(at('none.json'), {})).rejects.toThrow(`The report ${at('none.json')} does not exist.`);
    writeFileSync(at('text.json'), '\u001b[31mno report');
    const damaged = await run(at('text.json'), {}).catch((error: unknown) => (error as Error).message);
    expect(damaged).toMatch(/^The report .*text\.json cannot be read\. It is not JSON: /);
    expect(damaged).not.toContain('\u001b');
    await expect(run(save('a.report.json', report()), { output: at('none/page.html') })).rejects.toThrow(
      /cannot be written: the folder .*none does not exist/,
    );
  });
});
