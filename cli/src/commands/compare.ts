import { compare, type Comparison, type Limits } from '@quantsmith/api';
import { claimTextPlace } from '@quantsmith/model/files';
import { comparisonMarkdown, comparisonText } from '@quantsmith/report';
import { reportPathOf } from '@quantsmith/schemas';
import { EXIT } from '../output/exitCodes.js';
import type { Session } from '../output/session.js';
import { terminalPaint } from '../output/terminal.js';
import { printOrWrite } from './report.js';

export const COMPARE_FORMATS = ['table', 'markdown', 'json'] as const;
export type CompareFormat = (typeof COMPARE_FORMATS)[number];

export interface CompareCommandOptions extends Limits {
  readonly format: CompareFormat;
  readonly output?: string;
}

/** `quantsmith compare`: two reports or models side by side; 5 when the second does not keep a limit. */
export async function compareCommand(
  a: string,
  b: string,
  { format, output, ...limits }: CompareCommandOptions,
  { messages }: Session,
): Promise<number> {
  if (output !== undefined) await claimTextPlace(output, [a, b, reportPathOf(a), reportPathOf(b)]);
  const comparison = await compare(a, b, { limits });
  await printOrWrite(render(comparison, format, output === undefined), output, format);
  for (const { message } of comparison.exceeded) messages.error(`error: ${message} [limit-exceeded]`);
  return comparison.exceeded.length === 0 ? EXIT.ok : EXIT.targetMissed;
}

function render(comparison: Comparison, format: CompareFormat, colours: boolean): string {
  if (format === 'json') return JSON.stringify({ schema_version: 1, ...comparison }, null, 2);
  if (format === 'markdown') return comparisonMarkdown(comparison).trimEnd();
  return comparisonText(comparison, colours ? terminalPaint() : undefined);
}
