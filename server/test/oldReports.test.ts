import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DocumentDiagnosticReport, DiagnosticSeverity } from 'vscode-languageserver-protocol';
import { inMemory } from '../../test/kit/lspClient.js';
import { OLD_REPORTS } from '../../test/kit/oldReports.js';
import { sampleReport } from '../../test/kit/sampleReport.js';

// A report beside the model that an earlier or a later version wrote, or that is damaged: it is read, or it is said that it is not.

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'quantsmith-reports-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const CONFIG = 'model: net.onnx\ndata: {calibration: {images: .}}\n';

async function findings() {
  const client = await inMemory({ capabilities: { textDocument: { diagnostic: {} } } });
  const { href: uri } = pathToFileURL(join(folder, 'net.quant.yaml'));
  writeFileSync(join(folder, 'net.quant.yaml'), CONFIG);
  await client.open(uri, CONFIG);
  const report: DocumentDiagnosticReport = await client.connection.sendRequest('textDocument/diagnostic', {
    textDocument: { uri },
  });
  await client.stop();
  return report.kind === 'full' ? report.items : [];
}

const path = () => join(folder, 'net.int8.onnx.report.json');
const codes = async () => (await findings()).map(({ code }) => code);

describe('the report of the last run', () => {
  it.each(OLD_REPORTS)('of version $version is read', async ({ text }) => {
    writeFileSync(path(), text);
    const found = await codes();
    expect(found).toContain('report-stale');
    expect(found).not.toContain('last-report-unreadable');
  });

  it.each([
    [
      'of a later version',
      JSON.stringify({ ...sampleReport(), schema_version: 99 }),
      /version 99 of the format/,
    ],
    ['that breaks off', JSON.stringify(sampleReport()).slice(0, 500), /It is not JSON/],
    ['that is another JSON', '{"a": "\\u001b[2J"}', /It is not a report/],
  ])('%s is said to be unreadable', async (_, text, reason) => {
    writeFileSync(path(), text);
    const found = (await findings()).find(({ code }) => code === 'last-report-unreadable');
    expect(found).toMatchObject({ severity: DiagnosticSeverity.Information });
    expect(found!.message).toMatch(reason);
  });

  it('that is larger than any is not read', async () => {
    writeFileSync(path(), '');
    truncateSync(path(), 2 ** 30);
    expect((await findings()).find(({ code }) => code === 'last-report-unreadable')!.message).toMatch(
      /larger than 16 MiB/,
    );
  });

  it('that is not there is nothing to speak of', async () => {
    mkdirSync(join(folder, 'images'));
    expect(await codes()).not.toContain('last-report-unreadable');
  });
});
