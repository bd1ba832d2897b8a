import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { explain } from '../src/index.js';
import { explainedCodes } from '../src/explain.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Codes of problems as they stand in the source of a part. */
function codesIn(part: string): string[] {
  const files = readdirSync(join(root, part, 'src'), { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [
      ...readFileSync(join(root, part, 'src', name), 'utf8').matchAll(
        /(?:\bfail\(\s*|\bcode: )'([a-z]+(?:-[a-z]+)+)'/g,
      ),
    ])
    .map((match) => match[1]!);
}

describe('explain', () => {
  it('knows every code that engine, model and API can give', () => {
    const known = new Set(explainedCodes());
    const given = [...new Set(['engine', 'model', 'api', 'cli'].flatMap(codesIn))].sort();
    expect(given.length).toBeGreaterThan(40);
    expect(given.filter((code) => !known.has(code))).toEqual([]);
  });

  it('says severity, cause and remedy, and where it stands', () => {
    const { text, url } = explain('external-data-missing')!;
    expect(text).toMatch(/^Severity: error\.\n\n.*another file.*Copy the data files/);
    expect(url).toMatch(/\/errors\.md#external-data-missing$/);
    expect(explain('unknown-key')!.url).toMatch(/\/diagnostics\.md#unknown-key$/);
    expect(explain('no-such-code')).toBeNull();
  });

  it('leaves out what only the generator of the pages reads', () => {
    expect(explainedCodes().filter((code) => explain(code)!.text.includes('<!--'))).toEqual([]);
  });

  it('has no code twice', () => {
    const codes = explainedCodes();
    expect([...new Set(codes)].length).toBe(codes.length);
  });
});
