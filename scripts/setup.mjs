// Makes a checkout ready: installs the packages and builds the bundles, each only when something changed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 9)) {
  console.error(`Quantsmith needs Node 20.9 or later; this is ${process.versions.node}.`);
  process.exit(1);
}

const timeOf = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

function newest(dir) {
  let latest = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) latest = Math.max(latest, timeOf(join(entry.parentPath ?? entry.path, entry.name)));
  }
  return latest;
}

function run(what, command, args) {
  process.stderr.write(`${what} …\n`);
  const npm = process.platform === 'win32' && command === 'npm' ? 'npm.cmd' : command;
  const result = spawnSync(npm, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (result.status === 0) return;
  process.stderr.write(result.stderr ?? '');
  process.exit(result.status ?? 1);
}

const installed = `${root}node_modules/.package-lock.json`;
if (timeOf(installed) < Math.max(timeOf(`${root}package-lock.json`), 1)) {
  run('Installing packages', 'npm', ['ci', '--no-audit', '--no-fund']);
}
const sources = [
  'client/src',
  'service/src',
  'server/src',
  'model/src',
  'engine/src',
  'cli/src',
  'report/src',
  'schemas',
].map((dir) => newest(`${root}${dir}`));
if (timeOf(`${root}dist/cli.cjs`) < Math.max(...sources, timeOf(`${root}scripts/build.mjs`))) {
  run('Building', process.execPath, ['scripts/build.mjs']);
}
