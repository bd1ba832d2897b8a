import { fileSha256 } from '@quantsmith/model/files';
import { inspectModel } from '@quantsmith/model/onnx';
import {
  compare as compareSubjects,
  type Comparison as Subjects,
  exceededLimits,
  type LimitExceeded,
  type Limits,
  type Subject,
  subjectOfModel,
  subjectOfReport,
  withBaseline,
} from '@quantsmith/report';
import { type QuantizationReport, QuantsmithError } from '@quantsmith/schemas';
import { readReport } from './report.js';

export interface CompareOptions {
  /** What the second may cost; what it does not keep is in `exceeded`. */
  readonly limits?: Limits;
}

export interface Comparison extends Subjects {
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
  return { ...comparison, exceeded: exceededLimits(comparison, limits) };
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
