import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver-protocol/node';
import { bundle } from '../../scripts/bundle.mjs';
import { builtCli, root } from '../kit/builtCli.js';

const STRACE = '/usr/bin/strace';
const installed = existsSync(STRACE);

const cli = builtCli();
let base = '';
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'quantsmith-strace-'));
  cpSync(join(root, 'examples/digits'), join(base, 'digits'), { recursive: true });
  for (const name of ['home', 'tmp']) mkdirSync(join(base, name));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const program = (...args: string[]) => [
  ...['-f', '-qq', '-s', '4096', '-o', join(base, 'trace'), '-e', 'trace=%file,%network,%process'],
  ...[process.execPath, ...args],
];
const command = (...args: string[]) => program(cli, ...args);
const context = () => {
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: join(base, 'home'), TMPDIR: join(base, 'tmp') };
  delete env['QUANTSMITH_CACHE'];
  // Node hands it to every process that it starts, unless it is said to be none.
  env['NODE_V8_COVERAGE'] = undefined;
  delete env['XDG_CACHE_HOME'];
  return { cwd: join(base, 'digits'), env };
};

/** What a trace has of interest. */
function seen() {
  const lines = readFileSync(join(base, 'trace'), 'utf8')
    .split('\n')
    .map((line) => line.replace(/^\d+ +/, ''));
  const found = (pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.slice(1, 2) ?? []);
  const created = found(/^(?:openat\(AT_FDCWD, (?=.*O_CREAT)|creat\(|mkdir\(|mkdirat\(AT_FDCWD, )"([^"]*)"/);
  return {
    /** Address families of sockets, pairs of connected ones apart. */
    sockets: found(/^socket\((\w+)/),
    connects: found(/^((?:connect|sendto|bind)\(.*)/),
    programs: found(/^execve\("([^"]*)"/),
    /** Paths below the test's folder; others as they are. */
    created: [...new Set(created.map((path) => path.replace(`${base}/`, '')))],
  };
}

const OWN =
  /^(digits\/(\.quantsmith|\.digits\.int8\.onnx\.quantsmith|digits\.int8\.onnx)|home\/\.cache(\/quantsmith|$)|tmp\/quantsmith-)/;

function expectNothingElse(programs: number): void {
  const { sockets, connects, programs: run, created } = seen();
  expect(sockets).toEqual([]);
  expect(connects).toEqual([]);
  expect(run).toEqual(Array(programs).fill(process.execPath));
  expect(created.filter((path) => !OWN.test(path))).toEqual([]);
}

describe.skipIf(!installed)('no network, and no file but its own', () => {
  it('run', () => {
    expect(spawnSync(STRACE, command('run', 'digits.quant.yaml'), context()).status).toBe(0);
    expectNothingElse(2);
    expect(seen().created).toContain('digits/.digits.int8.onnx.quantsmith/model');
  });

  it('check', () => {
    expect(spawnSync(STRACE, command('check', 'digits.quant.yaml'), context()).status).toBe(0);
    expectNothingElse(1);
    expect(seen().created).toEqual([]);
  });

  describe('the package, in a program of somebody', () => {
    // As it is packed, beside the engine.
    beforeAll(() => bundle({ index: 'api/src/index.ts' }, dirname(cli), {}));

    it('checks and quantizes', () => {
      const source = `
        const { check, quantize } = require(${JSON.stringify(join(dirname(cli), 'index.cjs'))});
        (async () => {
          const { valid } = await check('digits.quant.yaml');
          const { report } = await quantize('digits.quant.yaml');
          process.exitCode = valid && report.output.sha256.length === 64 ? 0 : 1;
        })();`;
      writeFileSync(join(base, 'program.cjs'), source);
      const ended = spawnSync(STRACE, program(join(base, 'program.cjs')), { ...context(), encoding: 'utf8' });
      expect(ended.status, ended.stderr).toBe(0);
      expectNothingElse(2);
      expect(seen().created).toContain('digits/.digits.int8.onnx.quantsmith/model');
    });
  });

  it('the language server, with a run', async () => {
    const server = spawn(STRACE, command('lsp', '--stdio'), context());
    const connection = createMessageConnection(
      new StreamMessageReader(server.stdout),
      new StreamMessageWriter(server.stdin),
    );
    connection.listen();
    const uri = pathToFileURL(join(base, 'digits/digits.quant.yaml')).href;
    await connection.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {} });
    await connection.sendNotification('initialized', {});
    const text = readFileSync(join(base, 'digits/digits.quant.yaml'), 'utf8');
    await connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'quant-yaml', version: 1, text },
    });
    await connection.sendRequest('textDocument/hover', {
      textDocument: { uri },
      position: { line: 0, character: 1 },
    });
    await connection.sendRequest('workspace/executeCommand', {
      command: 'quantsmith.server.run',
      arguments: [uri],
    });
    await connection.sendRequest('shutdown');
    const ended = new Promise((resolve) => server.once('close', resolve));
    await connection.sendNotification('exit');
    await ended;
    connection.dispose();
    expectNothingElse(2);
  });
});
