import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const E2E = join(import.meta.dirname, '../../test/e2e');
const read = (name: string) => readFileSync(join(E2E, name), 'utf8');

/** Suites whose steps are made, not written. */
const WHOLE = 'all steps';

/** "suite: step" as the sources have them; a file can hold several suites. */
function stepsInSources(): string[] {
  const driven = readdirSync(E2E)
    .filter((name) => name.endsWith('.mjs'))
    .flatMap((name) =>
      read(name)
        .split(/runSteps\(\s*stage,/)
        .slice(1)
        .flatMap((text) => {
          const suite = /^\s*'(\w+)'/.exec(text)?.[1] ?? '';
          const written = [...text.matchAll(/\[\s*'([^']+)',\s*\w+,?\s*\]/g)].map(([, step]) => step);
          const named = /const name = '([^']+)';/.exec(read(name))?.[1];
          return [...written, ...(text.includes('[[name, ') ? [named] : [])].map(
            (step) => `${suite}: ${step}`,
          );
        }),
    );
  const hosted = [...read('suite/extension.ts').matchAll(/test\('([^']+)'/g)].map(
    ([, step]) => `host: ${step}`,
  );

  return [...driven, ...hosted];
}

it('the table of the workbench tests names their steps, all of them', () => {
  const rows = [...read('README.md').matchAll(/^\|[^|]+\| (\w+) +\| ([^|]+)\|$/gm)];
  const listed = rows.slice(1).map(([, suite, step]) => `${suite}: ${step?.trim()}`);
  const steps = listed.filter((row) => !row.endsWith(`: ${WHOLE}`));
  expect([...new Set(steps)].sort()).toEqual([...new Set(stepsInSources())].sort());
  const suites = [...read('run.mjs').matchAll(/\['(\w+)', '[^']+', \w+\]/g)].map(([, suite]) => suite);
  expect([...new Set(rows.slice(1).map(([, suite]) => suite))].sort()).toEqual(suites.sort());
});
