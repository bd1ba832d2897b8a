// The README's test command: style, types, drift of generated files, unit and protocol tests, and the real workbench.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** The script of a package's command: Node runs it on every system, without a shell. */
function bin(name, from = name) {
  const folder = join(root, 'node_modules', from);
  const { bin: scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof scripts === 'string' ? scripts : scripts[name]);
}

const PARTS = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).workspaces;
const inCi = process.env.CI === 'true';
// Where the unit tests write which of them were skipped (test/kit/skipReporter.ts): it is said at the end.
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-test-'));
const skips = join(scratch, 'skips.txt');
/** What only reads the sources: one for each processor at a time, at most four for the memory they take. */
const checks = [
  ['lint', bin('eslint'), ['.', '--max-warnings', '0']],
  ['generated files', 'scripts/generate.mjs', ['--check']],
  ['notices and bill of materials', 'scripts/notices.mjs', ['--check']],
  ['types', 'scripts/types.mjs', []],
  ['dead code and dependencies', bin('knip'), []],
  ['exceptions to the rules', 'scripts/figures.mjs', ['--check']],
  [
    'imports',
    bin('depcruise', 'dependency-cruiser'),
    ['--config', '.dependency-cruiser.mjs', ...PARTS.map((part) => `${part}/src`)],
  ],
  ['spelling', bin('cspell'), ['--no-progress', '--no-summary']],
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
];
const steps = [
  // Tests of saturation need an emulated CPU, those of workers Redis, others editors: installed in CI, used elsewhere where they are.
  ...(inCi
    ? [
        ['emulator and Redis set-up', 'test/installPrograms.mjs', []],
        ['strace set-up', 'test/hostile/install.mjs', []],
        ['editors set-up', 'test/editors/install.mjs', []],
      ]
    : []),
  ['unit tests', bin('vitest'), ['run']],
];
if (existsSync(`${root}test/e2e/run.mjs`)) {
  // The workbench needs a browser and a code-server: installed in CI, used elsewhere where they are.
  if (inCi) steps.push(['workbench set-up', 'test/e2e/install.mjs', []]);
  steps.push(['workbench', 'test/e2e/run.mjs', []]);
}

/** The exit code of a step that lacks what it needs outside of CI, as Automake's tests have it. */
const SKIPPED = 77;
const left = [];
let passed = 0;
let failed = 0;

/** Runs a step; its output goes straight through, or comes whole at its end. Returns nothing: the counts are told at the end. */
async function runStep([name, script, args], { held }) {
  if (!held) console.log(`\n— ${name}`);
  const started = Date.now();
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    stdio: ['inherit', held ? 'pipe' : 'inherit', held ? 'pipe' : 'inherit'],
    env: { ...process.env, QUANTSMITH_SKIPS: skips },
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => output.push(bytes));
  const status = await new Promise((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });

  if (held) process.stdout.write(`\n— ${name}\n${Buffer.concat(output)}`);
  const word = status === 0 ? 'ok' : status === SKIPPED ? 'skipped' : 'FAILED';
  console.log(`${word}: ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (status === 0) passed++;
  else if (status === SKIPPED) left.push(name);
  else failed++;
}

const waiting = checks.values();
await Promise.all(
  Array.from({ length: Math.min(4, availableParallelism()) }, async () => {
    for (const check of waiting) await runStep(check, { held: true });
  }),
);
for (const step of steps) await runStep(step, { held: false });
if (existsSync(skips)) console.log(`\n${readFileSync(skips, 'utf8').trimEnd()}`);
rmSync(scratch, { recursive: true });
console.log(
  `\n${passed} passed, ${failed} failed${left.length === 0 ? '' : `, skipped: ${left.join(', ')}`}`,
);
process.exit(failed === 0 ? 0 : 1);
