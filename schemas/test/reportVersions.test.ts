import { expect, it } from 'vitest';
import { OLD_REPORTS } from '../../test/kit/oldReports.js';
import { layer, sampleReport } from '../../test/kit/sampleReport.js';
import { parseReport, readReport, REPORT_VERSION, reportSchema, upgradedReport } from '../src/index.js';

const metricOf = (value: unknown) => {
  const read = readReport(value);
  return 'report' in read ? read.report.metric : read.issues;
};

it('reads a report of version 1, and its drops relative to 0 as undefined', () => {
  const current = sampleReport();
  const metric = { ...current.metric!, baseline: 0, drop_type: 'relative', drop: Number.MAX_VALUE };
  expect(metricOf({ ...current, schema_version: 1 })).toEqual(current.metric);
  expect(metricOf({ ...current, schema_version: 1, metric })).toMatchObject({ drop: null, ci95: null });
});

it('has a way from every version before to this one, for those who do not validate, too', () => {
  for (let version = 1; version < REPORT_VERSION; version++) {
    const old = { ...sampleReport(), schema_version: version };
    expect(upgradedReport(old)).toMatchObject({ schema_version: REPORT_VERSION });
    expect(readReport(old)).toHaveProperty('report');
  }

  expect(upgradedReport({ schema_version: 99 })).toEqual({ schema_version: 99 });
});

it('refuses a report of a later version, and what is no report', () => {
  expect(readReport({ ...sampleReport(), schema_version: 99 })).toHaveProperty('issues');
  for (const value of [null, [], 1, 'x', {}]) expect(readReport(value)).toHaveProperty('issues');
});

it('has the version of the format in the name of the schema', () => {
  expect(reportSchema).toMatchObject({ $id: `urn:quantsmith:quantization-report:${REPORT_VERSION}` });
});

it('there is a report of every version before, as it was written, and it is read', () => {
  expect(OLD_REPORTS.map(({ version }) => version)).toEqual(
    Array.from({ length: REPORT_VERSION - 1 }, (_, index) => index + 1),
  );
  for (const { text } of OLD_REPORTS) expect(parseReport(text)).toHaveProperty('report');
});

it('says what is wrong with a text that is no report, and never throws', () => {
  const problem = (text: string) => {
    const parsed = parseReport(text);
    return 'problem' in parsed ? parsed.problem : 'none';
  };

  expect(problem(JSON.stringify(sampleReport()))).toBe('none');
  expect(problem('{')).toMatch(/^It is not JSON: /);
  expect(problem('null')).toMatch(/^It is not a report .*: The top level breaks the rule "type"/);
  expect(problem(JSON.stringify({ ...sampleReport(), layers: [{ ...layer(), sqnr_db: 'much' }] }))).toMatch(
    /"layers\.0\.sqnr_db" breaks the rule "type" \(\["number","null"\]\)/,
  );
  expect(problem(JSON.stringify({ ...sampleReport(), schema_version: 99 }))).toMatch(
    /version 99 of the format/,
  );
});
