import { fileSha256 } from '@quantsmith/model/files';
import { inspectModel } from '@quantsmith/model/onnx';
import {
  compare as compareSubjects,
  compareRuns as compareSubjectsOfRuns,
  type Comparison as Subjects,
  exceededLimits,
  type LimitExceeded,
  type RunsComparison as ManySubjects,
  type Limits,
  type Subject,
  subjectOfModel,
  subjectOfReport,
  withBaseline,
} from '@quantsmith/report';
import {
  fail,
  type QuantizationReport,
  QuantsmithError,
  reportPathOf,
  type SettingDifference,
} from '@quantsmith/schemas';
import { keptConfig, settingDifferencesOf } from '@quantsmith/server';
import { readReport } from './report.js';

export interface CompareOptions {
  /** What the second may cost; what it does not keep is in `exceeded`. */
  readonly limits?: Limits;
}

export interface Comparison extends Subjects {
  /** In what the configs of two reports differ; null: that is not known. */
  readonly settings: readonly SettingDifference[] | null;
  readonly exceeded: readonly LimitExceeded[];
}

/** Two reports, or models, side by side; each is named by its path. Rejects with a `QuantsmithError`. */
export async function compare(
  a: string,
  b: string,
  { limits = {} }: CompareOptions = {},
): Promise<Comparison> {
  const [first, second] = await bothSides(a, b);
  const comparison = compareSubjects(subjectOf(first, second), subjectOf(second, first));
  const placed = [first, second].flatMap((side) =>
    'report' in side ? [{ ...side, reportPath: reportFileOf(side.path) }] : [],
  );
  const settings = placed.length < 2 ? null : await settingsOf(placed);

  return { ...comparison, settings, exceeded: exceededLimits(comparison, limits) };
}

/** A report with the place where it lies. */
export interface PlacedReport {
  /** As it was named. */
  readonly path: string;
  readonly report: QuantizationReport;
  readonly reportPath: string;
}

export interface RunsComparison extends ManySubjects {
  /** What a run after the first does not keep of the limits, beside the first. */
  readonly exceeded: readonly LimitExceeded[];
  readonly reports: readonly PlacedReport[];
}

/**
 * Three or more reports side by side: in what their settings differ, figures with paired tests against the best, and the layers
 * that changed most. Rejects with a `QuantsmithError`.
 */
export async function compareRuns(
  paths: readonly string[],
  { limits = {} }: CompareOptions = {},
): Promise<RunsComparison> {
  const reports = await Promise.all(paths.map(placedReport));
  const subjects = reports.map(({ path, report }) => subjectOfReport(path, report));
  const [first, ...others] = subjects;
  if (first === undefined) fail('usage-invalid', 'There is nothing to compare.');
  const exceeded = others.flatMap((other) =>
    exceededLimits(compareSubjects(first, other), limits).map((broken) => ({
      ...broken,
      message: `${other.path}: ${broken.message}`,
    })),
  );

  return { ...compareSubjectsOfRuns(subjects, await settingsOf(reports)), exceeded, reports };
}

async function placedReport(path: string): Promise<PlacedReport> {
  const side = await readSide(path);
  if ('report' in side) return { ...side, reportPath: reportFileOf(path) };

  return fail(
    'usage-invalid',
    `${path} is a model without a report: more than two are compared by their reports, two by their structure.`,
    { file: path },
  );
}

const reportFileOf = (path: string) => (/\.onnx$/i.test(path) ? reportPathOf(path) : path);

/** In what the configs of runs differ; null: the history has not kept all of them. */
async function settingsOf(reports: readonly PlacedReport[]): Promise<readonly SettingDifference[] | null> {
  const files = await Promise.all(reports.map(({ report, reportPath }) => keptConfig(report, reportPath)));
  const kept = files.filter((file) => file !== null);

  return kept.length < files.length ? null : settingDifferencesOf(kept);
}

/** Both sides; where neither can be read, one error names both. */
async function bothSides(a: string, b: string): Promise<[Side, Side]> {
  const [first, second] = await Promise.allSettled([readSide(a), readSide(b)]);
  if (first.status === 'fulfilled' && second.status === 'fulfilled') return [first.value, second.value];
  const reasons: unknown[] = [first, second].flatMap((side) =>
    side.status === 'rejected' ? [side.reason as unknown] : [],
  );

  const [left, other] = reasons;
  if (!(left instanceof QuantsmithError && other instanceof QuantsmithError)) throw left;
  throw new QuantsmithError({ ...left.problem, message: `${left.message} ${other.message}` });
}

type Side =
  | { readonly path: string; readonly report: QuantizationReport }
  | { readonly path: string; readonly structure: Subject; readonly sha256: string };

/** A report, be it the one beside a model that it is of; or the structure of a model. */
async function readSide(path: string): Promise<Side> {
  if (!/\.onnx$/i.test(path)) return { path, report: await readReport(path) };
  const report = await readReport(path).catch((error: unknown) => {
    if (error instanceof QuantsmithError) return null;
    throw error;
  });

  const structure = { ...subjectOfModel(await inspectModel(path)), path };
  const sha256 = await fileSha256(path);

  return report?.output.sha256 === sha256 ? { path, report } : { path, structure, sha256 };
}

/** A float model has the baseline of the other side's report, if it is what that one was made from. */
function subjectOf(side: Side, other: Side): Subject {
  if ('report' in side) return subjectOfReport(side.path, side.report);
  const isSource = 'report' in other && other.report.model.sha256 === side.sha256;
  return isSource ? withBaseline(side.structure, other.report) : side.structure;
}
