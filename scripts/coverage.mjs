// Line and branch coverage of each part, child processes counted: what a test starts (the command line, the engine, the
// language server) runs as a bundle, whose coverage is mapped back to its sources.
//
//   node scripts/coverage.mjs [FILE…]    runs the unit tests, or those of these files, and prints the table
//   node scripts/coverage.mjs --keep DIR leaves what was measured in DIR
//   node scripts/coverage.mjs --from DIR reads it from there and runs nothing; several DIRs are added up
//   node scripts/coverage.mjs --gaps PART also lists the lines and branches of a part that nothing reached
//
// Fails below the shares of scripts/coverage.json, unless only some tests ran. Any run of tests with QUANTSMITH_COVERAGE=DIR
// in its environment measures into DIR.
import { mergeProcessCovs } from '@bcoe/v8-coverage';
import { convert } from 'ast-v8-to-istanbul';
import libCoverage from 'istanbul-lib-coverage';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { parseAstAsync } from 'vite';
import { bundle, EVERY_BUNDLE, root } from './bundle.mjs';

const { values, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    keep: { type: 'string' },
    from: { type: 'string', multiple: true },
    gaps: { type: 'string', multiple: true, default: [] },
  },
});
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-coverage-'));
const folders = values.from?.map((folder) => resolve(folder)) ?? [
  resolve(values.keep ?? join(scratch, 'run')),
];
if (values.from === undefined) runTests(folders[0]);

const parts = partsOf(sourceCoverage(folders), await bundleCoverage(folders));
rmSync(scratch, { recursive: true });
for (const part of values.gaps) listGaps(parts[part] ?? {});
const table = tableOf(parts);
console.table(table);

const complaints = filters.length === 0 ? shortfalls(table) : [];
for (const line of complaints) console.error(line);
process.exit(complaints.length === 0 ? 0 : 1);

function runTests(folder) {
  const { status } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...filters],
    { cwd: root, stdio: 'inherit', env: { ...process.env, QUANTSMITH_COVERAGE: folder } },
  );
  if (status !== 0) process.exit(1);
}

/** What ran inside the processes of the tests themselves, of each run by source file. */
function sourceCoverage(folders) {
  return folders.map((folder) => JSON.parse(readFileSync(join(folder, 'tests/coverage-final.json'), 'utf8')));
}

/** What ran in bundles, by source file: those in dist/ and those built for a single test file hold the same code. */
async function bundleCoverage(folders) {
  const base = pathToFileURL(root).href;
  const isOurs = (url) =>
    url.startsWith(base) &&
    /^(dist|\.tools\/test-dist-\d+)\/\w+\.cjs$/.test(url.slice(base.length)) &&
    basename(url, '.cjs') in EVERY_BUNDLE;
  const files = folders.flatMap((folder) => {
    const children = join(folder, 'children');
    return existsSync(children) ? readdirSync(children).map((name) => join(children, name)) : [];
  });

  // Built again, beside the sources as the map's paths have it: a build gives the same bytes each time.
  const built = join(root, `.tools/coverage-dist-${process.pid}`);
  await bundle(EVERY_BUNDLE, built, { sourcemap: 'external' });
  const lengths = new Map(
    readdirSync(built).map((name) => [name, readFileSync(join(built, name), 'utf8').length]),
  );

  const merged = new Map();
  const others = new Set();
  for (const file of files) {
    for (const script of scriptsOf(file).filter(({ url }) => isOurs(url))) {
      const name = basename(script.url);
      if (!isOfLength(script, lengths.get(name), name)) {
        others.add(script.url);
        continue;
      }

      const run = { result: [{ ...script, url: name }] };
      const before = merged.get(name);
      merged.set(name, before === undefined ? run : mergeProcessCovs([before, run]));
    }
  }

  for (const url of others) console.warn(`${url} was built from other sources than those here: left out.`);
  const map = libCoverage.createCoverageMap({});
  for (const [name, { result }] of merged) map.merge(await mapBack(join(built, name), result[0]));
  rmSync(built, { recursive: true });
  return map.toJSON();
}

/** Whether a script is as long as the bundle, with or without a line that names its source map. */
function isOfLength({ functions }, length, name) {
  const [{ endOffset }] = functions[0].ranges;
  return endOffset === length || endOffset === length + `//# sourceMappingURL=${name}.map\n`.length;
}

async function mapBack(path, coverage) {
  const code = readFileSync(path, 'utf8');
  return convert({
    ast: parseAstAsync(code),
    code,
    sourceMap: JSON.parse(readFileSync(`${path}.map`, 'utf8')),
    wrapperLength: 0,
    coverage: { ...coverage, url: pathToFileURL(path).href },
  });
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
 * How often each line and branch ran, by part and file. The transform of the run that reached most of a file says which there
 * are: a file that no test loaded is mapped a little differently, and so is a bundle. What ran there counts by line, and by
 * kind and order of the branches that begin on a line.
 */
function partsOf(runs, bundles) {
  const parts = {};
  for (const path of Object.keys(runs[0])) {
    const name = relative(root, path).replaceAll('\\', '/');
    const [counts, ...others] = [...runs, bundles]
      .flatMap((files) => (files[path] === undefined ? [] : [files[path]]))
      .sort((a, b) => Number(a === bundles[path]) - Number(b === bundles[path]) || reached(b) - reached(a))
      .map(countsOf);

    for (const kind of ['lines', 'branches'])
      for (const [key, count] of counts[kind])
        counts[kind].set(
          key,
          others.reduce((sum, other) => sum + (other[kind].get(key) ?? 0), count),
        );
    (parts[name.split('/')[0]] ??= {})[name] = counts;
  }

  return parts;
}

function reached({ s }) {
  return Object.values(s).filter((count) => count > 0).length;
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

/** Lines and branches of each part that ran, in percent, rounded down to tenths. */
function tableOf(parts) {
  const share = (files, kind) => {
    const counts = Object.values(files).flatMap((file) => [...file[kind].values()]);
    const reached = counts.filter((count) => count > 0).length;
    return counts.length === 0 ? 100 : Math.floor((1000 * reached) / counts.length) / 10;
  };

  return Object.fromEntries(
    Object.entries(parts).map(([part, files]) => [
      part,
      { lines: share(files, 'lines'), branches: share(files, 'branches') },
    ]),
  );
}

function listGaps(files) {
  const missed = (counts) => [...counts].flatMap(([key, count]) => (count === 0 ? [key] : []));
  for (const [name, { lines, branches }] of Object.entries(files)) {
    const gaps = { lines: missed(lines), branches: missed(branches) };
    if (gaps.lines.length + gaps.branches.length === 0) continue;
    console.log(
      `${name} (${gaps.lines.length} of ${lines.size}, ${gaps.branches.length} of ${branches.size})`,
    );
    console.log(`  lines ${gaps.lines.join(' ')}`);
    console.log(`  branches ${gaps.branches.join(', ')}`);
  }
}

function shortfalls(table) {
  const wanted = JSON.parse(readFileSync(join(root, 'scripts/coverage.json'), 'utf8'));
  return Object.entries(wanted).flatMap(([part, least]) =>
    Object.entries(least)
      .filter(([kind, share]) => !(table[part]?.[kind] >= share))
      .map(
        ([kind, share]) =>
          `Coverage of ${part}: ${table[part]?.[kind] ?? 0} % of its ${kind} ran in tests; scripts/coverage.json asks for ${share} %.`,
      ),
  );
}
