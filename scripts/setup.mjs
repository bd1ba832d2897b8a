// Makes a checkout ready: installs the packages and builds the bundles, each only when something changed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = [
  'api/src',
  'client/src',
  'server/src',
  'service/src',
  'model/src',
  'engine/src',
  'cli/src',
  'report/src',
  'schemas',
];

needsNode([20, 19]);
const installed = join(root, 'node_modules/.package-lock.json');
if (timeOf(installed) < Math.max(timeOf(join(root, 'package-lock.json')), 1)) {
  process.stderr.write('Installing packages …\n');
  npm(['ci', '--no-audit', '--no-fund']);
}

const newestSource = Math.max(...SOURCES.map((dir) => newest(join(root, dir))));
if (timeOf(join(root, 'dist/cli.cjs')) < Math.max(newestSource, timeOf(join(root, 'scripts/build.mjs')))) {
  process.stderr.write('Building …\n');
  run(process.execPath, ['scripts/build.mjs']);
}

function needsNode([major, minor]) {
  const [thisMajor, thisMinor] = process.versions.node.split('.').map(Number);
  if (thisMajor > major || (thisMajor === major && thisMinor >= minor)) return;
  console.error(`Quantsmith needs Node ${major}.${minor} or later; this is ${process.versions.node}.`);
  process.exit(1);
}

function timeOf(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newest(dir) {
  let latest = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) latest = Math.max(latest, timeOf(join(entry.parentPath ?? entry.path, entry.name)));
  }

  return latest;
}

function npm(args) {
  // Started by npm, its program is known, and Node can run it: no shell, which on Windows would take paths apart at spaces.
  const program = process.env.npm_execpath;
  if (program !== undefined && /npm-cli\.c?js$/.test(program)) run(process.execPath, [program, ...args]);
  // The arguments are fixed words: a shell, which Windows needs for npm.cmd, has nothing to take apart.
  else run('npm', args, { shell: process.platform === 'win32' });
}

function run(command, args, options = {}) {
  const { status, stderr, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    ...options,
  });
  if (status === 0) return;
  process.stderr.write(error === undefined ? (stderr ?? '') : `${command}: ${error.message}\n`);
  process.exit(status ?? 1);
}
