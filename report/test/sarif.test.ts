import { describe, expect, it } from 'vitest';
import { sarifLog, type SarifResult } from '../src/index.js';

const ROOT = 'file:///repo/';
const result = (change: Partial<SarifResult> = {}): SarifResult => ({
  ...{ ruleId: 'dead-setting', level: 'warning', message: 'It does nothing.', uri: `${ROOT}a.quant.yaml` },
  range: { start: { line: 2, character: 0 }, end: { line: 2, character: 5 } },
  ...change,
});
const runOf = (...given: Parameters<typeof sarifLog>) => sarifLog(...given).runs[0]!;

describe('a SARIF log', () => {
  it('counts lines and columns from one, below the root of the checkout', () => {
    const { results, columnKind } = runOf('1.2.3', ROOT, [result()]);
    expect(columnKind).toBe('utf16CodeUnits');
    expect(results![0]!.locations).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: 'a.quant.yaml', uriBaseId: '%SRCROOT%' },
          region: { startLine: 3, startColumn: 1, endLine: 3, endColumn: 6 },
        },
      },
    ]);
  });

  it('names files elsewhere whole, and files as a whole without a region', () => {
    const { results } = runOf('1', ROOT, [result({ uri: 'file:///else/b.yaml', range: null })]);
    expect(results![0]!.locations![0]!.physicalLocation).toEqual({
      artifactLocation: { uri: 'file:///else/b.yaml' },
    });
  });

  it('describes the rules that it names, by what is known of them', () => {
    const texts: Record<string, string> = {
      'dead-setting': 'Severity: warning\n\nA setting has no effect here: another one decides. More.\n',
      short: 'No full stop',
      empty: '',
    };
    const { tool } = runOf(
      '1',
      ROOT,
      ['unknown', 'short', 'empty', 'dead-setting'].map((ruleId) => result({ ruleId })),
      (id) => (texts[id] === undefined ? null : { text: texts[id], helpUri: `https://docs/${id}` }),
    );
    expect(tool.driver.rules!.map(({ id, shortDescription }) => [id, shortDescription?.text])).toEqual([
      ['dead-setting', 'A setting has no effect here.'],
      ['empty', ''],
      ['short', 'No full stop'],
      ['unknown', undefined],
    ]);
    expect(tool.driver.rules![0]).toMatchObject({
      helpUri: 'https://docs/dead-setting',
      fullDescription: { text: 'A setting has no effect here: another one decides. More.' },
    });
  });

  it('keeps the fingerprint of a result whose line moved, and tells equal ones apart', () => {
    const prints = (...results: SarifResult[]) =>
      runOf('1', ROOT, results).results!.map(
        ({ partialFingerprints }) => partialFingerprints!['quantsmith/v1'],
      );
    const [first, second, other] = prints(result(), result({ range: null }), result({ message: 'Else.' }));
    expect(first).toMatch(/^[0-9a-f]{16}:0$/);
    expect(second).toBe(first!.replace(/0$/, '1'));
    expect(other!.slice(0, 16)).not.toBe(first!.slice(0, 16));
  });
});
