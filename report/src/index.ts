import type { DebugReport, ModelSummary, QuantizationReport, SettingDifference } from '@quantsmith/schemas';
import type { Comparison } from './compare.js';
import { comparisonDocument } from './comparisonDocument.js';
import { debugDocument } from './debugDocument.js';
import type { ChooseFix } from './overflow.js';
import { modelDocument } from './modelDocument.js';
import type { ModelContext } from './modelRows.js';
import type { PageHost } from './page.js';
import { reportDocument } from './reportDocument.js';
import { runsDocument, type ListedRun } from './runsDocument.js';
import { sweepDocument, type SweptOutcome, type SweptRun } from './sweepDocument.js';
import { toHtml } from './toHtml.js';
import { toMarkdown } from './toMarkdown.js';
import { toText, type Paint } from './toText.js';

export { isPageMessage, SHOW_START, type ExportFormat, type PageMessage } from './messages.js';
export { page, type PageHost, type PageParts } from './page.js';
export { markup, type Markup } from './markup.js';
export { compareRuns, type RunsComparison } from './compareRuns.js';
export { compare, type Comparison } from './compare.js';
export {
  subjectOfModel,
  subjectOfReport,
  withBaseline,
  type ModelStructure,
  type Subject,
} from './subject.js';
export { exceededLimits, type Limit, type LimitExceeded, type Limits } from './limits.js';
export {
  modelPageData,
  modelPageHtml,
  modelProblemHtml,
  type FromModelPage,
  type ModelPageData,
  type ToModelPage,
} from './modelPage.js';
export { ALONE, modelRows, type ModelContext, type ModelRow } from './modelRows.js';
export { factsText, PLAIN, type Paint } from './toText.js';
export { distrustOf, metricValue } from './figures.js';
export { outputsAtRisk, unaffectedText } from './overflow.js';
export { summaryFacts } from './summary.js';
export type { ListedRun } from './runsDocument.js';
export type { SweptOutcome, SweptRun } from './sweepDocument.js';
export { SARIF_LEVELS, sarifLog, sarifRuleId, type SarifResult, type SarifRule } from './sarif.js';

export interface PageOptions {
  /** What stands first: the verdict (default), or what each overflow_fix gives. */
  readonly first?: 'verdict' | 'overflow';
  /** The panel that shows the page and takes its messages; without one it is a file. */
  readonly host?: PageHost;
  /** Where a click on one of the settings of overflow_fix leads; by default they are plain text. */
  readonly chooseFix?: ChooseFix;
  /** Where the explanation of a warning's code opens; by default codes are plain text. */
  readonly explain?: (code: string) => string;
}

/** The report as one HTML file that works offline. */
export function reportHtml(report: QuantizationReport, options: PageOptions = {}): string {
  return toHtml(reportDocument(report, { ...options, hosted: options.host !== undefined }), options.host);
}

/** The report as Markdown, fit for a pull request. */
export function reportMarkdown(report: QuantizationReport): string {
  return toMarkdown(reportDocument(report));
}

/** The report as tables for a terminal. */
export function reportText(report: QuantizationReport, paint?: Paint): string {
  return toText(reportDocument(report), paint);
}

/** Many runs as one HTML page: settings that differ, charts whose points lead to the reports, and a table. */
export function runsHtml(
  runs: readonly ListedRun[],
  settings?: readonly SettingDifference[] | null,
  host?: PageHost,
): string {
  return toHtml(runsDocument(runs, settings), host);
}

/** Many runs as tables for a terminal. */
export function runsText(
  runs: readonly ListedRun[],
  settings: readonly SettingDifference[] | null,
  paint?: Paint,
): string {
  return toText(runsDocument(runs, settings), paint);
}

/** Many runs as Markdown. */
export function runsMarkdown(
  runs: readonly ListedRun[],
  settings: readonly SettingDifference[] | null,
): string {
  return toMarkdown(runsDocument(runs, settings));
}

/** Two runs as one HTML page, their settings first where those are known. */
export function comparisonHtml(
  comparison: Comparison,
  settings?: readonly SettingDifference[] | null,
  host?: PageHost,
): string {
  return toHtml(comparisonDocument(comparison, settings), host);
}

/** A sweep as one HTML page: charts whose points lead to the reports, and tables. */
export function sweepHtml(runs: readonly SweptRun[], outcome: SweptOutcome, host?: PageHost): string {
  return toHtml(sweepDocument(runs, outcome), host);
}

/** A sweep as Markdown. */
export function sweepMarkdown(runs: readonly SweptRun[], outcome: SweptOutcome): string {
  return toMarkdown(sweepDocument(runs, outcome));
}

/** A sweep as tables for a terminal. */
export function sweepText(runs: readonly SweptRun[], outcome: SweptOutcome, paint?: Paint): string {
  return toText(sweepDocument(runs, outcome), paint);
}

/** A comparison as tables for a terminal. */
export function comparisonText(
  comparison: Comparison,
  paint?: Paint,
  settings?: readonly SettingDifference[] | null,
): string {
  return toText(comparisonDocument(comparison, settings), paint);
}

/** A comparison as Markdown, fit for a pull request. */
export function comparisonMarkdown(
  comparison: Comparison,
  settings?: readonly SettingDifference[] | null,
): string {
  return toMarkdown(comparisonDocument(comparison, settings));
}

/** Every layer beside the float model, as tables for a terminal. */
export function debugText(report: DebugReport, paint?: Paint): string {
  return toText(debugDocument(report), paint);
}

/** Every layer beside the float model, as one HTML page. */
export function debugHtml(report: DebugReport): string {
  return toHtml(debugDocument(report));
}

/** A model's structure as one HTML page, every node in it. */
export function modelHtml(model: ModelSummary, context: ModelContext): string {
  return toHtml(modelDocument(model, context, { layers: true }));
}
