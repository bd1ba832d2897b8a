import { inspectModel } from '@quantsmith/model/onnx';
import { type QuantizationReport, QuantsmithError } from '@quantsmith/schemas';
import {
  compare,
  comparisonMarkdown,
  comparisonText,
  subjectOfModel,
  subjectOfReport,
  withBaseline,
  type Comparison,
  type Subject,
} from '@quantsmith/report';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { EXIT } from '../exit.js';
import { readReportFile } from '../reportFile.js';
import { terminalPaint } from '../terminal.js';
import { printOrWrite } from './report.js';

export const COMPARE_FORMATS = ['table', 'markdown', 'json'] as const;
export type CompareFormat = (typeof COMPARE_FORMATS)[number];

/** `quantsmith compare`: two reports or models side by side. Returns the exit code. */
export async function compareCommand(
  first: string,
  second: string,
  { format, output }: { readonly format: CompareFormat; readonly output?: string },
): Promise<number> {
  const [a, b] = await Promise.all([readSide(first), readSide(second)]);
  if ('problem' in a || 'problem' in b) {
    for (const side of [a, b]) if ('problem' in side) console.error(`error: ${side.problem}`);
    return EXIT.input;
  }
  return printOrWrite(
    render(compare(subjectOf(a, b), subjectOf(b, a)), format, output === undefined),
    output,
  );
}

function render(comparison: Comparison, format: CompareFormat, colours: boolean): string {
  if (format === 'json') return JSON.stringify(comparison, null, 2);
  if (format === 'markdown') return comparisonMarkdown(comparison).trimEnd();
  return comparisonText(comparison, colours ? terminalPaint() : undefined);
}

type Side =
  | { readonly path: string; readonly report: QuantizationReport }
  | { readonly path: string; readonly structure: Subject; readonly sha256: string };

/** A report, be it the one beside a model that it is of; or the structure of a model. */
async function readSide(path: string): Promise<Side | { readonly problem: string }> {
  const parsed = await readReportFile(path);
  if (!path.endsWith('.onnx')) return 'problem' in parsed ? parsed : { path, ...parsed };
  try {
    const structure = { ...subjectOfModel(await inspectModel(path)), path };
    const sha256 = await fileSha256(path);
    if ('report' in parsed && parsed.report.output.sha256 === sha256) return { path, ...parsed };
    return { path, structure, sha256 };
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    return { problem: `${error.message} [${error.problem.code}]` };
  }
}

/** A float model has the baseline of the other side's report, if it is what that one was made from. */
function subjectOf(side: Side, other: Side): Subject {
  if ('report' in side) return subjectOfReport(side.path, side.report);
  const isSource = 'report' in other && other.report.model.sha256 === side.sha256;
  return isSource ? withBaseline(side.structure, other.report) : side.structure;
}

async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
