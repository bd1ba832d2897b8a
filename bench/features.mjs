// What this language server and four others do with the same document, by asking them: real processes on standard input
// and output. Prints a table in Markdown.
//
//   npm run bench:features
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CAPABILITIES, startClient } from './lsp/client.mjs';
import { builtServer, installed } from './lsp/peer.mjs';
import { documents } from './features/documents.mjs';
import { probes } from './features/probes.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const schema = pathToFileURL(`${root}schemas/quantization-config.schema.json`).href;
const YAML = 'yaml-language-server@2.0.0';
const ACTIONS = '@actions/languageserver@0.3.61';
/** For TOML, a notation that this project does not have; it reads the same schema. */
const TOML = '@taplo/lsp@0.8.0';
/** Starts vscode-json-languageservice as a server, as VS Code does. */
const JSON_SERVER = 'vscode-langservers-extracted@4.10.0';
const bin = (name, path) => [process.execPath, `${installed([name])}/node_modules/${path}`, '--stdio'];
const yaml = {
  schemas: { [schema]: '*.quant.yaml' },
  schemaStore: { enable: false },
  validate: true,
  hover: true,
};
const json = { validate: { enable: true }, schemas: [{ fileMatch: ['*.quant.json'], url: schema }] };
const program = builtServer();
const servers = [
  {
    name: 'Quantsmith, YAML',
    command: [process.execPath, program, '--stdio'],
    kind: 'yaml',
    language: 'quant-yaml',
    file: 'x.quant.yaml',
  },
  {
    name: 'Quantsmith, JSON',
    command: [process.execPath, program, '--stdio'],
    kind: 'json',
    language: 'quant-json',
    file: 'x.quant.json',
  },
  {
    name: YAML,
    command: bin(YAML, 'yaml-language-server/bin/yaml-language-server'),
    settings: { yaml, http: {}, '[yaml]': {} },
    kind: 'yaml',
    language: 'yaml',
    file: 'x.quant.yaml',
  },
  {
    name: `vscode-json-languageservice (${JSON_SERVER})`,
    command: bin(JSON_SERVER, 'vscode-langservers-extracted/bin/vscode-json-language-server'),
    settings: { json },
    options: { provideFormatter: true, handledSchemaProtocols: ['file'] },
    kind: 'json',
    language: 'json',
    file: 'x.quant.json',
  },
  {
    name: ACTIONS,
    command: bin(ACTIONS, '@actions/languageserver/bin/actions-languageserver'),
    options: { sessionToken: '', repos: [] },
    kind: 'workflow',
    language: 'yaml',
    file: '.github/workflows/x.yaml',
  },
  {
    name: TOML,
    command: [process.execPath, `${root}bench/lsp/taplo.mjs`, installed([TOML])],
    settings: { evenBetterToml: { schema: { enabled: true, catalogs: [], associations: {} } } },
    options: { configurationSection: 'evenBetterToml' },
    kind: 'toml',
    language: 'toml',
    file: 'x.toml',
  },
];
const capabilities = {
  ...CAPABILITIES,
  textDocument: {
    ...CAPABILITIES.textDocument,
    codeAction: {
      codeActionLiteralSupport: { codeActionKind: { valueSet: ['', 'quickfix', 'refactor', 'source'] } },
    },
    rename: { prepareSupport: false },
    foldingRange: { dynamicRegistration: false },
  },
};
const SILENCE_MS = 3000;

const columns = [];
for (const server of servers) columns.push(await probed(server));
console.log(`| | ${servers.map(({ name }) => name).join(' | ')} |`);
console.log(`|---|${servers.map(() => '---').join('|')}|`);
probes.forEach(([name, probe], row) => {
  const cells = columns.map((column) => (probe === undefined ? '' : column[row]));
  console.log(`| ${name} | ${cells.join(' | ')} |`);
});

async function probed(server) {
  const folder = mkdtempSync(join(tmpdir(), 'quantsmith-features-'));
  cpSync(`${root}examples/digits`, folder, { recursive: true });
  const { sound, broken, twice } = documents(schema)[server.kind];
  const path = join(folder, server.file);
  mkdirSync(dirname(path), { recursive: true });
  const client = await startClient(server.command, {
    settings: server.settings ?? {},
    rootUri: pathToFileURL(folder).href,
    options: server.options,
    capabilities,
  });
  // Asked by a client that pulls, a server may say more of itself.
  const pulling = await startClient(server.command, {
    settings: server.settings ?? {},
    options: server.options,
    capabilities: {
      ...capabilities,
      // Some offer it only to clients that can be told to ask again.
      workspace: { ...capabilities.workspace, diagnostics: { refreshSupport: true } },
      textDocument: { ...capabilities.textDocument, diagnostic: {} },
    },
  });
  try {
    const uri = pathToFileURL(path).href;
    const brokenUri = uri.replace(/x\.([^/]*)$/, 'broken.$1');
    writeFileSync(path, sound.text);
    const open = async (where, text) => {
      await client.notify('textDocument/didOpen', {
        textDocument: { uri: where, languageId: server.language, version: 1, text },
      });
      // Some servers tell twice, and some nothing when all is well.
      await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
      return client.latest.get(where)?.diagnostics ?? [];
    };

    const end = { line: 1000, character: 0 };
    const whole = { start: { line: 0, character: 0 }, end };
    const given = {
      sound: await open(uri, sound.text),
      broken: [
        ...(await open(brokenUri, broken.text)),
        ...(twice === undefined ? [] : await open(uri.replace(/x\.([^/]*)$/, 'twice.$1'), twice.text)),
      ],
      abilities: pulling.abilities,
      async ask(method, place, more = {}) {
        if (place !== null && sound.places[place] === undefined) return null;
        const position =
          place === null ? {} : { position: sound.places[place], positions: [sound.places[place]] };
        const params = { textDocument: { uri }, range: whole, ...position, ...more };
        return client.request(`textDocument/${method}`, params).catch(() => null);
      },
      fixes: async () => {
        const unknown = given.broken.filter(({ message }) => /prset|stepss/.test(message.value ?? message));
        return actions(brokenUri, unknown[0]?.range ?? whole, { diagnostics: unknown });
      },
      refactorings: () => actions(uri, whole, { diagnostics: [], only: ['refactor'] }),
    };
    const actions = async (where, range, context) =>
      (await client
        .request('textDocument/codeAction', { textDocument: { uri: where }, range, context })
        .catch(() => null)) ?? [];
    const cells = [];
    for (const [, probe] of probes) {
      const answer = probe === undefined ? '' : await probe(given);
      cells.push(answer === true ? 'yes' : answer === false ? '–' : answer);
    }

    if (process.env.VERBOSE) console.error(server.name, JSON.stringify([given.sound, given.broken], null, 1));
    return cells;
  } finally {
    await client.stop();
    await pulling.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
