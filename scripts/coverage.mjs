// Line and branch coverage of each part by the unit tests, child processes counted: what a test starts (the command line,
// the engine, the language server) runs as a bundle, whose coverage is mapped back to its sources.
//
//   node scripts/coverage.mjs            runs the tests, prints the table, fails below scripts/coverage.json
//   node scripts/coverage.mjs --keep DIR leaves what was measured in DIR
//   node scripts/coverage.mjs --from DIR reads it from there and runs nothing
import { mergeProcessCovs } from '@bcoe/v8-coverage';
import { convert } from 'ast-v8-to-istanbul';
import libCoverage from 'istanbul-lib-coverage';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseAstAsync } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { keep: { type: 'string' }, from: { type: 'string' } } });
const given = values.from ?? values.keep;
const folder = given === undefined ? mkdtempSync(join(tmpdir(), 'quantsmith-coverage-')) : resolve(given);
const children = join(folder, 'children');
const thresholds = JSON.parse(readFileSync(join(root, 'scripts/coverage.json'), 'utf8'));

if (values.from === undefined) {
  mkdirSync(children, { recursive: true });
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(
    process.execPath,
    [
      ...[
        vitest,
        'run',
        '--exclude=test/hostile/strace.test.ts',
        '--coverage.enabled',
        '--coverage.reporter=json',
        '--coverage.reportOnFailure',
      ],
      ...['--coverage.include=*/src/**/*.ts', '--coverage.exclude=**/generated/**'],
      `--coverage.reportsDirectory=${join(folder, 'tests')}`,
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, QUANTSMITH_CHILD_COVERAGE: children } },
  );
  if (status !== 0) process.exit(1);
}

const inTests = JSON.parse(readFileSync(join(folder, 'tests/coverage-final.json'), 'utf8'));
const inChildren = await childCoverage(children);
const rows = tableOf(inTests, inChildren);
console.table(rows);
if (given === undefined) rmSync(folder, { recursive: true });

const low = Object.entries(thresholds).flatMap(([part, least]) =>
  Object.entries(least)
    .filter(([kind, share]) => !(rows[part][kind] >= share))
    .map(
      ([kind, share]) =>
        `${part}: ${rows[part][kind]} % of its ${kind} are covered, ${share} % are asked for`,
    ),
);
for (const line of low) console.error(line);
process.exit(low.length === 0 ? 0 : 1);

/** What ran in bundles, by source file. Builds for a single test file hold the same code as dist/. */
async function childCoverage(from) {
  const byBundle = new Map();
  for (const name of readdirSync(from)) {
    for (const script of scriptsOf(join(from, name))) {
      const bundle = basename(script.url);
      if (!/\/(dist|\.tools\/test-dist-\d+)\/\w+\.cjs$/.test(script.url)) continue;
      if (!existsSync(join(root, 'dist', bundle))) continue;
      byBundle.set(bundle, [...(byBundle.get(bundle) ?? []), { result: [{ ...script, url: bundle }] }]);
    }
  }

  const map = libCoverage.createCoverageMap({});
  for (const [bundle, runs] of byBundle) {
    const code = readFileSync(join(root, 'dist', bundle), 'utf8');
    const sourceMap = JSON.parse(readFileSync(join(root, 'dist', `${bundle}.map`), 'utf8'));
    const url = new URL(`../dist/${bundle}`, import.meta.url).href;
    const [coverage] = mergeProcessCovs(runs).result;
    map.merge(
      await convert({
        ast: parseAstAsync(code),
        code,
        sourceMap,
        wrapperLength: 0,
        coverage: { ...coverage, url },
      }),
    );
  }
  return map.toJSON();
}

/** The scripts of a process; nothing of one that was killed while it wrote them. */
function scriptsOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).result;
  } catch {
    return [];
  }
}

/**
 * Lines and branches of each part, in percent. The tests' own transform says which there are; a bundle is mapped a little
 * differently, so what ran in one counts by line, and by kind and order of the branches that begin on a line.
 */
function tableOf(tests, bundles) {
  const parts = {};
  for (const [path, file] of Object.entries(tests)) {
    const part = relative(root, path).split(/[\\/]/)[0];
    const sums = (parts[part] ??= { lines: [0, 0], branches: [0, 0] });
    const here = countsOf(file);
    const there =
      bundles[path] === undefined ? { lines: new Map(), branches: new Map() } : countsOf(bundles[path]);
    for (const kind of ['lines', 'branches']) {
      for (const [key, count] of here[kind]) {
        sums[kind][1]++;
        if (count + (there[kind].get(key) ?? 0) > 0) sums[kind][0]++;
      }
    }
  }

  const percent = ([covered, total]) => (total === 0 ? 100 : Math.floor((1000 * covered) / total) / 10);
  return Object.fromEntries(
    Object.entries(parts).map(([part, { lines, branches }]) => [
      part,
      { lines: percent(lines), branches: percent(branches) },
    ]),
  );
}

function countsOf({ statementMap, s, branchMap, b }) {
  const lines = new Map();
  for (const [id, { start }] of Object.entries(statementMap))
    lines.set(start.line, Math.max(lines.get(start.line) ?? 0, s[id]));
  const branches = new Map();
  const seen = new Map();
  for (const [id, { type, loc }] of Object.entries(branchMap)) {
    const place = `${loc.start.line} ${type}`;
    const order = seen.get(place) ?? 0;
    seen.set(place, order + 1);
    b[id].forEach((count, arm) => branches.set(`${place} ${order} ${arm}`, count));
  }
  return { lines, branches };
}
