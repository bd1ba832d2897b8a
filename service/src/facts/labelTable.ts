import type { LabelConflict, LabelFacts } from './facts.js';

/** Contradictions that are listed. */
const MAX_CONFLICTS = 20;

/** What a table of `file,label` lines says. A header, quotes, CRLF and a byte-order mark are fine; null: not class numbers. */
export function labelTable(text: string): LabelFacts | null {
  const seen = new Map<string, { label: number; line: number }>();
  const conflicts = new Map<string, LabelConflict>();
  let count = 0;
  let highest: number | null = null;

  for (const [index, row] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    if (row.trim() === '') continue;
    const fields = /^\s*(?:"((?:[^"]|"")*)"|([^,]*)),\s*"?(\d+)"?\s*(?:,|$)/.exec(row);
    if (fields === null) {
      // The first line may name the columns.
      if (index === 0) continue;
      return null;
    }

    const file = fields[1]?.replaceAll('""', '"') ?? fields[2]!;
    const label = Number(fields[3]);
    const line = index + 1;
    count++;
    highest = Math.max(highest ?? 0, label);

    const first = seen.get(file);
    if (first === undefined) seen.set(file, { label, line });
    else if (first.label !== label && (conflicts.size < MAX_CONFLICTS || conflicts.has(file))) {
      const known = conflicts.get(file) ?? { file, labels: [first.label], lines: [first.line] };
      conflicts.set(file, { file, labels: [...known.labels, label], lines: [...known.lines, line] });
    }
  }

  return { count, highest, conflicts: [...conflicts.values()] };
}
