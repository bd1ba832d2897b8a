// This language server beside yaml-language-server, and Taplo for the same config in TOML: the same schema and machine, each a
// process of its own on standard input and output. Prints a table for each length of document, writes all as JSON.
//
//   npm run bench:lsp -- [--lines 50,500,2000,10000] [--starts 7] [--edits 60] [--memory-edits 10000] [--only ours]
//
// Taplo sends the findings of its parser first and those of the schema later; the first message counts. Its package is
// WebAssembly, as the extension for VS Code has it.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { spread, startClient } from './lsp/client.mjs';
import { configOf, tomlOf } from './lsp/documents.mjs';
import { modelOf } from './lsp/model.mjs';
import { builtServer, installed } from './lsp/peer.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const PEER = 'yaml-language-server@2.0.0';
const TOML_PEER = '@taplo/lsp@0.8.0';
const { values: options } = parseArgs({
  options: {
    lines: { type: 'string', default: '50,500,2000,10000' },
    starts: { type: 'string', default: '7' },
    edits: { type: 'string', default: '60' },
    'memory-edits': { type: 'string', default: '10000' },
    only: { type: 'string' },
  },
});
/** Keys typed before anything counts: code is compiled in the first moments of a session. */
const WARM_UP = 30;
/** Seconds after which a row of a slow server has enough, and those in which memory may grow. */
const ROW_SECONDS = 30;
const MEMORY_SECONDS = 60;
const LEAST = 10;
const lengths = options.lines.split(',').map(Number);
const schema = pathToFileURL(`${root}schemas/quantization-config.schema.json`).href;
const yamlSettings = {
  yaml: {
    schemas: { [schema]: '*.quant.yaml' },
    schemaStore: { enable: false },
    validate: true,
    hover: true,
  },
  http: {},
  '[yaml]': {},
};
const yaml = { file: 'bench.quant.yaml', documentOf: configOf };
const all = {
  ours: {
    command: () => [process.execPath, builtServer(), '--stdio'],
    settings: {},
    language: 'quant-yaml',
    ...yaml,
  },
  [PEER]: {
    command: () => [
      process.execPath,
      `${installed([PEER])}/node_modules/yaml-language-server/bin/yaml-language-server`,
      '--stdio',
    ],
    settings: yamlSettings,
    language: 'yaml',
    ...yaml,
  },
  [TOML_PEER]: {
    command: () => [process.execPath, `${root}bench/lsp/taplo.mjs`, installed([TOML_PEER])],
    settings: { evenBetterToml: { schema: { enabled: true, catalogs: [], associations: {} } } },
    options: { configurationSection: 'evenBetterToml' },
    language: 'toml',
    file: 'bench.toml',
    documentOf: (lines) => tomlOf(lines, schema),
  },
};
const servers = Object.entries(all)
  .filter(([name]) => options.only === undefined || name === options.only)
  .map(([name, server]) => ({ name, ...server, command: server.command() }));

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-bench-'));
const results = {};
try {
  cpSync(`${root}examples/digits`, folder, { recursive: true });
  for (const lines of lengths) {
    const rows = {};
    const config = configOf(lines);
    // Whoever looks into the model finds every layer that the config names.
    writeFileSync(join(folder, 'bench.onnx'), modelOf(config.names));
    for (const server of servers) rows[server.name] = await measure(server, server.documentOf(lines));
    results[lines] = rows;
    print(lines, rows);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (options.only === undefined) {
  mkdirSync(`${root}bench/results`, { recursive: true });
  writeFileSync(
    `${root}bench/results/lsp.json`,
    `${JSON.stringify({ peers: [PEER, TOML_PEER], results }, null, 2)}\n`,
  );
}

async function measure(server, config) {
  const uri = pathToFileURL(join(folder, server.file)).href;
  writeFileSync(join(folder, server.file), config.text);
  const starts = [];
  const firsts = [];
  for (let i = 0; i < Number(options.starts); i++) {
    const client = await started(server);
    starts.push(client.startMs);
    firsts.push(await timed(() => opened(client, server, uri, config.text)));
    await client.stop();
  }

  const client = await started(server);
  try {
    await opened(client, server, uri, config.text);
    const typing = typist(client, uri, config.edit);
    const count = Number(options.edits);
    const keystrokes = await repeated(count, async () => {
      const found = client.diagnostics(uri, typing.version() + 1);
      await typing.type();
      await found;
    });
    // A question follows the key that was typed, as it does in an editor: the answer needs the new text.
    let last = Promise.resolve();
    const asked = (method, position) =>
      repeated(
        count,
        () => client.request(method, { textDocument: { uri }, position }),
        async () => {
          // Nobody is to gain by putting off the diagnostics of the key before.
          await last;
          last = client.diagnostics(uri, typing.version() + 1);
          await typing.type();
        },
      );
    const completion = await asked('textDocument/completion', config.complete);
    const hover = await asked('textDocument/hover', config.hover);
    const end = performance.now() + 1000 * MEMORY_SECONDS;
    for (let edit = 0; edit < Number(options['memory-edits']) && performance.now() < end; edit++) {
      await typing.type();
      if (edit % 50 === 49)
        await client.request('textDocument/hover', { textDocument: { uri }, position: config.hover });
    }

    const megabytes = client.residentBytes() / 1e6;
    return {
      start: spread(starts),
      'first diagnostics': spread(firsts),
      'keystroke to diagnostics': spread(keystrokes),
      completion: spread(completion),
      hover: spread(hover),
      memory: { median: megabytes, p95: megabytes, n: 1 },
    };
  } finally {
    await client.stop();
  }
}

function started({ command, settings, options }) {
  return startClient(command, { settings, options, rootUri: pathToFileURL(folder).href });
}

async function opened(client, { language }, uri, text) {
  const found = client.diagnostics(uri);
  await client.notify('textDocument/didOpen', {
    textDocument: { uri, languageId: language, version: 1, text },
  });
  await found;
}

/** Types one character after the other at a place, ten and then takes them back. */
function typist(client, uri, { line, character }) {
  let version = 1;
  let typed = 0;
  return {
    version: () => version,
    async type() {
      version++;
      const back = typed >= 10 || (typed > 0 && version % 20 >= 10);
      const at = { line, character: character + typed };
      const change = back
        ? { range: { start: { line, character: at.character - 1 }, end: at }, text: '' }
        : { range: { start: at, end: at }, text: 'x' };
      typed += back ? -1 : 1;
      await client.notify('textDocument/didChange', {
        textDocument: { uri, version },
        contentChanges: [change],
      });
    },
  };
}

async function timed(body) {
  const begun = performance.now();
  await body();
  return performance.now() - begun;
}

/** The times of a body. */
async function repeated(count, body, before = async () => {}) {
  const times = [];
  const end = performance.now() + 1000 * ROW_SECONDS;
  for (let i = 0; i < count + WARM_UP; i++) {
    if (performance.now() > end && times.length >= LEAST) break;
    await before();
    const time = await timed(body);
    if (i >= WARM_UP) times.push(time);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }

  return times;
}

function print(lines, rows) {
  const names = Object.keys(rows);
  console.log(`\n${lines} lines (median / 95th percentile, ms; memory in MB)\n`);
  console.log(`| | ${names.join(' | ')} |\n|---|${names.map(() => '---').join('|')}|`);
  for (const row of Object.keys(rows[names[0]])) {
    const cells = names.map((name) => {
      const { median, p95, n } = rows[name][row];
      return n === 1 ? median.toFixed(0) : `${median.toFixed(1)} / ${p95.toFixed(1)}`;
    });
    console.log(`| ${row} | ${cells.join(' | ')} |`);
  }
}
