// Packs the npm packages as they are published, installs them into an empty folder outside the repository with an empty cache,
// and runs command line, API, documentation and language server from there, on every version of Node that is supported. Needs
// the npm registry.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { HERE } from '../../scripts/platforms.mjs';
import { initialize } from './languageServer.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Characters of a failing program's output. */
const MAX_SHOWN = 4000;
/** The schema that OASIS publishes, as a package has it. */
const SARIF_SCHEMA = '@microsoft/jest-sarif@1.0.0-beta.0';
const NODES = ['20.19.0', '22', '24'];
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith package '));
let failures = 0;

try {
  const tarballs = await step('pack', () => pack(['--release'], ['npm', `npm-runtime/${HERE}`]));
  const consumer = folder('consumer');
  const cache = join(scratch, 'cache');
  const started = performance.now();
  await step('install into an empty folder, with an empty cache', () =>
    install(consumer, tarballs, ['--cache', cache]),
  );
  console.log(
    `     node_modules: ${megabytes(join(consumer, 'node_modules'))}, of it our own ${megabytes(join(consumer, 'node_modules/quantsmith'))}`,
  );
  addModel(consumer);
  await step("the first int8 model of one's own: npx quantsmith init and run", () => {
    run('npx', ['quantsmith', 'init', 'model.onnx', '--output', 'own.quant.yaml'], consumer);
    run('npx', ['quantsmith', 'run', 'example.quant.yaml'], consumer);
    console.log(
      `     from the empty folder: ${((performance.now() - started) / 1000).toFixed(0)} s, 3 commands`,
    );
  });

  const again = folder('offline');
  await step('install offline, from the cache, without scripts', () =>
    install(again, tarballs, ['--cache', cache, '--offline', '--ignore-scripts']),
  );
  await step('the command runs in what was installed offline', () => doctor(again));

  const proxied = folder('proxied');
  await step('install behind a proxy', () => behindProxy(proxied, tarballs));
  await step('the command runs in what was installed behind a proxy', () => doctor(proxied));

  const globally = folder('global');
  await step('install globally', () =>
    npm(['install', '--global', ...tarballs, '--prefix', globally, '--no-audit', '--no-fund'], scratch),
  );
  await step('the global command runs', () => {
    const windows = process.platform === 'win32';
    run(join(globally, windows ? 'quantsmith.cmd' : 'bin/quantsmith'), ['doctor'], consumer);
  });

  const [whole] = await step('pack for this platform alone', () => pack([], ['npm']));
  const alone = folder('alone');
  await step('install the one file that has everything for this platform', () =>
    install(alone, [whole], ['--cache', cache]),
  );
  await step('the command runs in what was installed of one file', () => doctor(alone));

  const bare = folder('without runtime');
  await step('install without optional packages: what to do is said', () => {
    install(bare, [tarballs[0]], ['--cache', cache, '--omit=optional']);
    const { status, stdout } = spawnSync(process.execPath, [program(bare), 'doctor'], { encoding: 'utf8' });
    if (status === 0 || !/without --omit=optional/.test(stdout)) throw new Error(`${status}: ${stdout}`);
  });

  await step('SARIF of check and report is valid by its schema', () => validSarif(consumer));
  await step('types of the documented examples', () => typecheck(consumer));
  for (const version of NODES) await onNode(version, consumer);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

console.log(failures === 0 ? 'All passed.' : `${failures} failed.`);
process.exit(failures === 0 ? 0 : 1);

async function onNode(version, consumer) {
  const node = await step(`Node ${version}`, () => nodeOf(version));
  if (node === undefined) return;
  await step(`Node ${version}: doctor`, () => doctor(consumer, node));
  await step(`Node ${version}: init and run`, () => {
    rmSync(join(consumer, 'model.int8.onnx'), { force: true });
    const cli = program(consumer);
    run(node, [cli, 'init', 'model.onnx', '--output', 'first.quant.yaml', '--force'], consumer);
    const { metric, latency_ms: latency } = JSON.parse(
      run(node, [cli, 'run', 'model.quant.yaml', '--json', '--quiet'], consumer),
    );
    if (!metric.satisfied || latency.quantized_median <= 0)
      throw new Error(JSON.stringify({ metric, latency }));
    run(
      node,
      [cli, 'compare', 'model.onnx', 'model.int8.onnx', '--max-drop', '0.01', '--max-size', '0.3x'],
      consumer,
    );
  });
  for (const [index, { language, code }] of examples().entries()) {
    if (language === 'ts') continue;
    await step(`Node ${version}: example ${index + 1} of docs/api.md`, () => {
      const file = join(consumer, `example-${index}.${language === 'cjs' ? 'cjs' : 'mjs'}`);
      writeFileSync(file, code);
      if (run(node, [file], consumer) === '') throw new Error('It printed nothing.');
    });
  }

  await step(`Node ${version}: language server`, () =>
    initialize(node, [program(consumer), 'lsp', '--stdio'], join(consumer, 'model.quant.yaml')),
  );
}

/** Runs a step and says how it went; undefined when it failed. */
async function step(name, body) {
  const started = performance.now();
  try {
    const value = await body();
    console.log(`ok   ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    return value ?? true;
  } catch (error) {
    failures++;
    console.log(`FAIL ${name}\n${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

function folder(name) {
  mkdirSync(join(scratch, name));
  return join(scratch, name);
}

/** Builds packages, and packs those in the given folders of dist. */
function pack(options, folders) {
  run(process.execPath, [join(root, 'scripts/npm.mjs'), ...options], root);
  return folders.map((name) => {
    const [{ filename, size, unpackedSize }] = JSON.parse(
      npm(['pack', '--json', '--pack-destination', scratch], join(root, 'dist', name)),
    );
    console.log(
      `     ${filename}: ${(size / 1e6).toFixed(2)} MB, unpacked ${(unpackedSize / 1e6).toFixed(2)} MB`,
    );
    return join(scratch, filename);
  });
}

function install(where, tarballs, options) {
  writeFileSync(join(where, 'package.json'), '{"private": true}\n');
  npm(['install', ...tarballs, '--no-audit', '--no-fund', ...options], where);
}

/** Installs with an empty cache through a proxy, which must have been used. */
async function behindProxy(where, tarballs) {
  const proxy = spawn(process.execPath, [join(root, 'test/package/proxy.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let said = '';
    proxy.stdout.on('data', (chunk) => (said += chunk));
    await once(proxy.stdout, 'data');
    const url = `http://127.0.0.1:${Number.parseInt(said, 10)}`;
    const options = ['--proxy', url, '--https-proxy', url, '--noproxy', 'none.invalid'];
    install(where, tarballs, ['--cache', join(scratch, 'proxied cache'), ...options]);
    while (!/tunnel/.test(said)) await once(proxy.stdout, 'data');
  } finally {
    proxy.kill();
  }
}

function program(where) {
  return join(where, 'node_modules/quantsmith/bin/quantsmith.cjs');
}

function doctor(where, node = process.execPath) {
  const text = run(node, [program(where), 'doctor'], where);
  if (!/runtime +onnxruntime 1\./.test(text)) throw new Error(text);
}

/** The schema of SARIF comes from a package for tests, which only this step needs. */
function validSarif(where) {
  const tools = folder('sarif');
  writeFileSync(join(tools, 'package.json'), '{"private": true}\n');
  npm(['install', SARIF_SCHEMA, '--no-audit', '--no-fund', '--ignore-scripts'], tools);
  const path = join(tools, 'node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
  // It is written for draft 4, of which it uses nothing that draft 7 has not, but for the names.
  const schema = JSON.parse(readFileSync(path, 'utf8'));
  delete schema.$schema;
  delete schema.id;
  const options = { strict: false, validateFormats: false, allErrors: true, unicodeRegExp: false };
  const validate = new Ajv(options).compile(schema);

  writeFileSync(
    join(where, 'wrong.quant.yaml'),
    'model: none.onnx\nmodle: 1\nquantization: {preset: mxied}\n',
  );
  const check = [program(where), 'check', 'wrong.quant.yaml', 'example.quant.yaml', '--format', 'sarif'];
  const { stdout } = spawnSync(process.execPath, check, { cwd: where, encoding: 'utf8' });
  const report = run(
    process.execPath,
    [program(where), 'report', 'example.int8.onnx', '--format', 'sarif'],
    where,
  );
  for (const text of [stdout, report]) {
    const log = JSON.parse(text);
    if (log.runs[0].results.length === 0) throw new Error(`There is no result in it: ${text}`);
    if (!validate(log)) throw new Error(JSON.stringify(validate.errors, null, 2));
  }
}

/** The bundled example, under the names that the documentation has. */
function addModel(where) {
  const example = (name) => join(root, 'examples', name);
  cpSync(example('resnet/resnet.onnx'), join(where, 'model.onnx'));
  cpSync(example('digits/data'), join(where, 'data'), { recursive: true });
  const config = readFileSync(example('resnet/resnet.quant.yaml'), 'utf8');
  writeFileSync(
    join(where, 'example.quant.yaml'),
    config.replaceAll('../digits/data', 'data').replace('resnet.onnx', 'model.onnx'),
  );
  cpSync(join(where, 'example.quant.yaml'), join(where, 'model.quant.yaml'));
}

function examples() {
  const text = readFileSync(join(root, 'docs/api.md'), 'utf8').replaceAll('\r\n', '\n');
  return [...text.matchAll(/^```(js|cjs|ts)\n(.*?)^```/gms)].map(([, language, code]) => ({
    language,
    code,
  }));
}

function typecheck(where) {
  const files = examples()
    .filter(({ language }) => language !== 'cjs')
    .map(({ language, code }, index) => {
      // Examples in JavaScript leave out what only types need to be told.
      const file = `types-${index}.${language === 'ts' ? 'mts' : 'mjs'}`;
      writeFileSync(join(where, file), code);
      return file;
    })
    .filter((file) => file.endsWith('.mts'));
  writeFileSync(
    join(where, 'all.mts'),
    "import * as api from 'quantsmith';\nexport const run: Promise<api.Quantized> = api.quantize('x');\n",
  );
  writeFileSync(
    join(where, 'all.cts'),
    "import api = require('quantsmith');\nexport const code: string = new api.QuantsmithError({ code: 'x', severity: 'error', message: '' }).problem.code;\n",
  );
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
  options.push('--typeRoots', join(root, 'node_modules/@types'));
  run(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), ...options, ...files, 'all.mts', 'all.cts'],
    where,
  );
}

/** The program of a version of Node, as the registry has it. */
function nodeOf(version) {
  const where = folder(`node-${version}`);
  writeFileSync(join(where, 'package.json'), '{"private": true}\n');
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  npm(['install', `${name}@${version}`, '--no-audit', '--no-fund', '--ignore-scripts'], where);
  const program = join(
    where,
    'node_modules',
    name,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (!existsSync(program)) throw new Error(`${name} brings no ${program}.`);
  return program;
}

function npm(args, cwd) {
  const program = process.env.npm_execpath;
  return program === undefined ? run('npm', args, cwd) : run(process.execPath, [program, ...args], cwd);
}

/** Standard output of a program; throws with everything that it said when it fails. */
function run(program, args, cwd) {
  const env = {
    ...process.env,
    QUANTSMITH_CACHE: join(scratch, 'statistics'),
  };
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return stdout;
  throw new Error(
    `${program} ${args.join(' ')} ended with ${status}\n${error?.message ?? ''}${`${stdout}${stderr}`.slice(-MAX_SHOWN)}`,
  );
}

function megabytes(where) {
  const files = readdirSync(where, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const bytes = files.reduce(
    (sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).size,
    0,
  );
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
