import {
  compare,
  compareRuns,
  type Comparison,
  type Limits,
  type PlacedReport,
  type RunsComparison,
} from '@quantsmith/api';
import { claimTextPlace } from '@quantsmith/model/files';
import {
  comparisonHtml,
  comparisonMarkdown,
  comparisonText,
  type ListedRun,
  runsHtml,
  runsMarkdown,
  runsText,
} from '@quantsmith/report';
import { fail, reportPathOf } from '@quantsmith/schemas';
import { EXIT } from '../output/exitCodes.js';
import { shortNames } from '../output/names.js';
import { linkTo, writePages } from '../output/pages.js';
import type { Session } from '../output/session.js';
import { terminalPaint } from '../output/terminal.js';
import { printOrWrite } from './report.js';

export const COMPARE_FORMATS = ['table', 'markdown', 'html', 'json'] as const;
export type CompareFormat = (typeof COMPARE_FORMATS)[number];

export interface CompareCommandOptions extends Limits {
  readonly format?: CompareFormat;
  readonly output?: string;
}

/** `quantsmith compare`: reports or models side by side; 5 when one after the first does not keep a limit. */
export async function compareCommand(
  paths: readonly string[],
  { format: asked, output, ...limits }: CompareCommandOptions,
  session: Session,
): Promise<number> {
  const [a, b, ...others] = paths;
  if (a === undefined || b === undefined)
    return fail('usage-invalid', 'compare takes two or more reports or models.');
  if (output !== undefined)
    await claimTextPlace(
      output,
      paths.flatMap((path) => [path, reportPathOf(path)]),
    );
  const format = asked ?? formatOf(output) ?? 'table';

  if (others.length === 0) {
    const comparison = await compare(a, b, { limits });
    await printOrWrite(render(comparison, format, output === undefined), output, format);
    return ended(comparison, session);
  }

  const comparison = await compareRuns(paths, { limits });
  await printOrWrite(await renderRuns(comparison, format, output, session), output, format);

  return ended(comparison, session);
}

const formatOf = (output = ''): CompareFormat | null =>
  /\.html?$/i.test(output)
    ? 'html'
    : /\.md$/i.test(output)
      ? 'markdown'
      : /\.json$/i.test(output)
        ? 'json'
        : null;

function ended({ exceeded }: Pick<Comparison, 'exceeded'>, { messages }: Session): number {
  for (const { message } of exceeded) messages.error(`error: ${message} [limit-exceeded]`);
  return exceeded.length === 0 ? EXIT.ok : EXIT.targetMissed;
}

function render(comparison: Comparison, format: CompareFormat, colours: boolean): string {
  const { settings } = comparison;
  switch (format) {
    case 'json':
      return JSON.stringify({ schema_version: 1, ...comparison }, null, 2);
    case 'markdown':
      return comparisonMarkdown(comparison, settings).trimEnd();
    case 'html':
      return comparisonHtml(comparison, settings).trimEnd();
    case 'table':
      return comparisonText(comparison, colours ? terminalPaint() : undefined, settings);
  }
}

async function renderRuns(
  { reports, ...comparison }: RunsComparison,
  format: CompareFormat,
  output: string | undefined,
  { messages }: Session,
): Promise<string> {
  const { settings } = comparison;
  if (format === 'json') return JSON.stringify({ schema_version: 1, ...comparison }, null, 2);
  const pages = format === 'html' && output !== undefined ? await writePages(reports, messages) : null;
  const runs = labelled(reports).map(({ label, report, reportPath }): ListedRun => {
    const target = pages?.get(reportPath);
    return { label, report, href: target === undefined ? null : linkTo(target, output) };
  });

  if (format === 'html') return runsHtml(runs, settings).trimEnd();
  if (format === 'markdown') return runsMarkdown(runs, settings).trimEnd();

  return runsText(runs, settings, output === undefined ? terminalPaint() : undefined);
}

function labelled(reports: readonly PlacedReport[]): (PlacedReport & { readonly label: string })[] {
  const nameOf = shortNames(reports.map(({ path }) => path));
  return reports.map((report) => ({ ...report, label: nameOf(report.path) }));
}
