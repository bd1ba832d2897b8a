// What the GitHub action does once Quantsmith is installed: checks configs, runs them here and on the base branch, compares, and
// writes a table and findings. Inputs are environment variables (action.yml); the exit code is that of the worst command.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const { env } = process;
const out = join(env.RUNNER_TEMP ?? tmpdir(), 'quantsmith');
const words = (text = '') => text.split(/\s+/).filter((word) => word !== '');
const configs = (env.CONFIGS ?? '.')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '');
const modules = env.ALLOW_MODULES === 'true' ? ['--allow-modules'] : [];
/** Command and arguments before those of Quantsmith; another one in tests. */
const command = JSON.parse(env.QUANTSMITH_COMMAND ?? '["quantsmith"]');

mkdirSync(out, { recursive: true });
let worst = 0;
const sarif = join(out, 'findings.sarif');
writeFileSync(sarif, quantsmith(['check', ...configs, '--format', 'sarif', '--fail-on', 'never']));
output('sarif', sarif);
worst = Math.max(worst, check());

const sections = env.RUN === 'false' ? [] : listed().map(section);
const summary = join(out, 'summary.md');
writeFileSync(summary, `${['# Quantization', ...sections].join('\n\n')}\n`);
if (sections.length > 0) output('summary', summary);
if (env.GITHUB_STEP_SUMMARY) appendFileSync(env.GITHUB_STEP_SUMMARY, `${sections.join('\n\n')}\n`);
process.exitCode = worst;

/** Findings as annotations; the exit code says whether one is severe enough. */
function check() {
  const args = ['check', ...configs, '--format', 'github', '--fail-on', env.FAIL_ON ?? 'error'];
  return spawnSync(command[0], [...command.slice(1), ...args], { stdio: 'inherit' }).status ?? 6;
}

/** The configs that the inputs name, relative to the checkout. */
function listed() {
  const text = quantsmith(['check', ...configs, '--format', 'json', '--fail-on', 'never']);
  return JSON.parse(text).map(({ path }) => relative(process.cwd(), path));
}

/** What a run gave, next to what it gives on the base branch, as Markdown. */
function section(config) {
  const title = `## ${config}`;
  const here = run(config, process.cwd());
  if (here.status !== 0 && here.status !== 5)
    return `${title}\n\nThe run failed with ${here.status}; see the log.`;
  const base = env.BASE ? onBase(config) : null;
  return [title, base === null ? here.markdown : compared(base, here)].join('\n\n');
}

function run(config, cwd) {
  const report = join(mkdtempSync(join(out, 'run-')), 'report.json');
  const args = ['run', config, ...modules, '--json', '--quiet'];
  const { status, stdout } = spawn(args, cwd);
  worst = Math.max(worst, cwd === process.cwd() ? (status ?? 6) : 0);
  if (status !== 0 && status !== 5) return { status, report, markdown: '' };
  writeFileSync(report, stdout);
  return { status, report, markdown: quantsmith(['report', report, '--format', 'markdown']) };
}

/** The same config on the base branch; null: it has none, or it does not run there. */
function onBase(config) {
  const checkout = join(out, 'base');
  if (!existsSync(checkout)) {
    execFileSync('git', ['fetch', '--depth', '1', 'origin', env.BASE], { stdio: 'inherit' });
    execFileSync('git', ['worktree', 'add', '--detach', checkout, 'FETCH_HEAD'], { stdio: 'inherit' });
    process.on('exit', () => {
      spawnSync('git', ['worktree', 'remove', '--force', checkout]);
      rmSync(checkout, { recursive: true, force: true });
    });
  }

  if (!existsSync(join(checkout, config))) return null;
  const base = run(config, checkout);
  return base.markdown === '' ? null : base;
}

function compared(base, here) {
  const args = ['compare', base.report, here.report, '--format', 'markdown', ...words(env.LIMITS)];
  const { status, stdout } = spawn(args, process.cwd());
  worst = Math.max(worst, status ?? 6);
  return stdout;
}

/** Standard output of a command that must not fail. */
function quantsmith(args) {
  const { status, stdout } = spawn(args, process.cwd());
  if (status !== 0) throw new Error(`quantsmith ${args.join(' ')} ended with ${status}.`);
  return stdout;
}

function spawn(args, cwd) {
  return spawnSync(command[0], [...command.slice(1), ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function output(name, value) {
  if (env.GITHUB_OUTPUT) appendFileSync(env.GITHUB_OUTPUT, `${name}=${value}\n`);
}
