import { compare, comparisonHtml, runsHtml, subjectOfReport } from '@quantsmith/report';
import type { QuantizationReport, SettingDifference } from '@quantsmith/schemas';
import type * as vscode from 'vscode';
import { type LanguageClient, ExecuteCommandRequest } from 'vscode-languageclient/node';
import { showPage } from '../report/page.js';

/** A run that is compared with others. */
export interface ComparedRun {
  readonly label: string;
  readonly report: vscode.Uri;
  /** The config's text as it was run; null: it was not kept. */
  readonly configText: vscode.Uri | null;
  readonly content: QuantizationReport;
}

/** The command by which a page leads to a report. */
export const OPEN_REPORT = 'quantsmith.showReport';

/** Shows runs side by side, the oldest first: the settings in which they differ, then figures and, of two, layers. */
export async function showComparison(client: LanguageClient, runs: readonly ComparedRun[]): Promise<void> {
  const ordered = [...runs].sort((a, b) => Date.parse(a.content.created) - Date.parse(b.content.created));
  const settings = await settingsOf(client, ordered);
  const [first, second, third] = ordered;
  if (first === undefined || second === undefined) return;
  if (third === undefined) {
    const sides = compare(
      subjectOfReport(first.label, first.content),
      subjectOfReport(second.label, second.content),
    );

    showPage({
      view: 'quantsmith.comparison',
      title: `Comparison: ${first.label} and ${second.label}`,
      html: comparisonHtml(sides, settings),
    });
    return;
  }

  showPage({
    view: 'quantsmith.comparison',
    title: `Comparison of ${ordered.length} runs`,
    html: runsHtml(ordered.map(listedRun), settings),
    commands: [OPEN_REPORT],
  });
}

/** A run as pages list it, with the way to its report. */
export const listedRun = ({ label, report, content }: ComparedRun) => ({
  label,
  report: content,
  href: `command:${OPEN_REPORT}?${encodeURIComponent(JSON.stringify([report.toString()]))}`,
});

/** In which settings runs differ; null: not all of their configs were kept. */
async function settingsOf(
  client: LanguageClient,
  runs: readonly ComparedRun[],
): Promise<SettingDifference[] | null> {
  const texts = runs.flatMap(({ configText }) => (configText === null ? [] : [configText.toString()]));
  if (texts.length < runs.length) return null;
  const params = { command: 'quantsmith.server.settings', arguments: texts };

  return client.sendRequest(ExecuteCommandRequest.type, params).then(
    (settings) => settings as SettingDifference[],
    () => null,
  );
}
