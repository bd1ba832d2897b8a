import { compare, comparisonHtml, runsHtml, subjectOfReport } from '@quantsmith/report';
import type { QuantizationReport, SettingDifference } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { readReport } from '../report/files.js';
import { restorePages, showPage, type Page } from '../report/page.js';
import type { PageStates } from '../report/pageStates.js';
import type { Server } from '../server/server.js';

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

const VIEW = 'quantsmith.comparison';

/** Shows two or more runs side by side. */
export async function showComparison(
  server: Server,
  states: PageStates,
  runs: readonly ComparedRun[],
): Promise<void> {
  const page = await comparisonPage(server, runs);
  if (page !== null) showPage(page, states);
}

/** Has a reloaded window show its comparisons again, those of runs that are still there. */
export const restoreComparisons = (server: Server, states: PageStates): vscode.Disposable =>
  restorePages(VIEW, states, async (state) => comparisonPage(server, await runsOf(state)));

/**
 * Runs side by side, the oldest first: the settings in which they differ, then figures and, of two, layers; null: there are
 * fewer than two.
 */
async function comparisonPage(server: Server, runs: readonly ComparedRun[]): Promise<Page | null> {
  const ordered = [...runs].sort((a, b) => Date.parse(a.content.created) - Date.parse(b.content.created));
  const settings = await settingsOf(server, ordered);
  const [first, second, third] = ordered;
  if (first === undefined || second === undefined) return null;
  const state = stateOf(ordered);
  if (third === undefined) {
    const sides = compare(
      subjectOfReport(first.label, first.content),
      subjectOfReport(second.label, second.content),
    );

    return {
      view: VIEW,
      title: vscode.l10n.t('Comparison: {0} and {1}', first.label, second.label),
      html: (host) => comparisonHtml(sides, settings, host),
      state,
    };
  }

  return {
    view: VIEW,
    title: vscode.l10n.t('Comparison of {0} runs', ordered.length),
    html: (host) => runsHtml(ordered.map(listedRun), settings, host),
    commands: [OPEN_REPORT],
    state,
  };
}

/** What of a run a page keeps; the rest is read from its files. */
interface KeptRun {
  readonly label: string;
  readonly report: string;
  readonly configText: string | null;
}

const stateOf = (runs: readonly ComparedRun[]): { readonly runs: readonly KeptRun[] } => ({
  runs: runs.map(({ label, report, configText }) => ({
    label,
    report: report.toString(),
    configText: configText?.toString() ?? null,
  })),
});

async function runsOf(state: unknown): Promise<ComparedRun[]> {
  const { runs = [] } = (state ?? {}) as Partial<ReturnType<typeof stateOf>>;
  const read = await Promise.all(
    runs.map(async ({ label, report, configText }) => {
      const file = vscode.Uri.parse(report);
      const content = await readReport(file);
      const text = configText === null ? null : vscode.Uri.parse(configText);
      return content === null ? [] : [{ label, report: file, configText: text, content }];
    }),
  );

  return read.flat();
}

/** A run as pages list it, with the way to its report. */
export const listedRun = ({ label, report, content }: ComparedRun) => ({
  label,
  report: content,
  href: `command:${OPEN_REPORT}?${encodeURIComponent(JSON.stringify([report.toString()]))}`,
});

/** In which settings runs differ; null: not all of their configs were kept. */
async function settingsOf(server: Server, runs: readonly ComparedRun[]): Promise<SettingDifference[] | null> {
  const texts = runs.flatMap(({ configText }) => (configText === null ? [] : [configText.toString()]));
  if (texts.length < runs.length) return null;

  return server.execute('quantsmith.server.settings', texts).then(
    (settings) => settings as SettingDifference[],
    () => null,
  );
}
