// Taplo, the language server for TOML, on standard input and output. Its package from npm is a library of WebAssembly that
// exchanges messages with whoever loads it: this is the process around it.
//
//   node bench/lsp/taplo.mjs FOLDER_WITH_NODE_MODULES
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver-protocol/node';

const { TaploLsp } = createRequire(join(process.argv[2], 'package.json'))('@taplo/lsp');
const writer = new StreamMessageWriter(process.stdout);
const environment = {
  now: () => new Date(),
  envVar: (name) => process.env[name],
  envVars: () => Object.entries(process.env),
  stdErrAtty: () => false,
  stdin: async () => new Uint8Array(),
  stdout: async (bytes) => bytes.length,
  stderr: async (bytes) => bytes.length,
  glob: () => [],
  readFile: (path) => readFile(path),
  writeFile: (path, bytes) => writeFile(path, bytes),
  // Taplo asks about addresses of its own too, which are no files.
  urlToFilePath: (url) => (url.startsWith('file:') ? fileURLToPath(url) : new URL(url).pathname),
  isAbsolute,
  cwd: () => process.cwd(),
  findConfigFile: (from) => ['.taplo.toml', 'taplo.toml'].map((name) => join(from, name)).find(existsSync),
  // Schemas are files here: nothing is fetched.
  fetch: {
    fetch: globalThis.fetch,
    Headers: globalThis.Headers,
    Request: globalThis.Request,
    Response: globalThis.Response,
  },
};

const server = await TaploLsp.initialize(environment, {
  onMessage: (message) => void writer.write(message),
});
new StreamMessageReader(process.stdin).listen((message) => {
  if (message.method === 'exit') process.exit(0);
  server.send(message);
});
