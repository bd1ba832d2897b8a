// Packs the extension: quantsmith-<target>.vsix with the bundles and just the native files that one platform needs.
// Targets: the arguments, else VSCE_TARGET, else this platform; --all for every one, `universal` for the one without native
// parts, which edits and checks and cannot run.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './bundle.mjs';
import { copyPart, copyRuntime, copyRuntimeCommon, HERE, PLATFORMS, readJson } from './platforms.mjs';

const UNIVERSAL = 'universal';
const CODE = readJson(join(root, 'package.json')).repository.url.replace(/\.git$/, '');
const TARGETS = [...PLATFORMS, UNIVERSAL];
const VSCE = join(root, 'node_modules/@vscode/vsce/vsce');

const { values, positionals } = parseArgs({ allowPositionals: true, options: { all: { type: 'boolean' } } });
const here = process.env.VSCE_TARGET ?? HERE;
const targets = values.all ? TARGETS : positionals.length > 0 ? positionals : [here];
const unknown = targets.filter((target) => !TARGETS.includes(target));
if (unknown.length > 0) {
  console.error(`There is no package for ${unknown.join(', ')}; there are ${TARGETS.join(', ')}.`);
  if (unknown.includes('darwin-x64'))
    console.error(
      `ONNX Runtime has no build for Macs with Intel CPUs any more: ${UNIVERSAL} edits and checks there.`,
    );
  process.exit(2);
}

const out = join(root, 'dist/node_modules');
run(process.execPath, ['scripts/build.mjs', '--minify']);
for (const target of targets) {
  rmSync(out, { recursive: true, force: true });
  if (target !== UNIVERSAL) copyNativeParts(target);
  pack(target);
}

// The development build again, with source maps and without the packed copies.
run(process.execPath, ['scripts/build.mjs']);

function pack(target) {
  const vsix = `quantsmith-${target}.vsix`;
  const options = ['--no-dependencies', '--skip-license', '--readme-path', 'client/README.md'];
  // The marketplace loads pictures from the repository: none of them is in a package.
  options.push('--baseContentUrl', `${CODE}/blob/main/client`, '--baseImagesUrl', `${CODE}/raw/main/client`);
  if (target !== UNIVERSAL) options.push('--target', target);
  const staged = stage();
  run(process.execPath, [VSCE, 'package', ...options, '--out', join(root, vsix)], staged);
  rmSync(staged, { recursive: true });
  // Standard output is the names alone: the workbench tests read them.
  console.error(`${(statSync(join(root, vsix)).size / 1e6).toFixed(1)} MB`);
  console.log(vsix);
}

/** A folder with what .vscodeignore leaves; in pages of the docs, pictures that are in no package have given way to their texts. */
function stage() {
  const folder = join(root, '.tools/vsix');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(root, '.vscodeignore'), join(folder, '.vscodeignore'));
  for (const name of run(process.execPath, [VSCE, 'ls', '--no-dependencies']).trim().split('\n')) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    if (!/^docs\/.*\.md$/.test(name)) copyFileSync(join(root, name), join(folder, name));
    else writeFileSync(join(folder, name), withoutPictures(readFileSync(join(root, name), 'utf8')));
  }

  return folder;
}

function withoutPictures(page) {
  return page.replaceAll(
    /!\[([^\]]+)\]\([^)]+\.(?:png|gif|webp)\)/g,
    '_Picture, in the docs on the web: $1._',
  );
}

/** The runtime and the library that decodes images, with the binaries of one platform. */
function copyNativeParts(target) {
  copyRuntime(target, join(out, 'onnxruntime-node'));
  copyRuntimeCommon(join(out, 'onnxruntime-common'));

  const modules = modulesWithSharp(target);
  const libvips = target.startsWith('win32') ? [] : [`@img/sharp-libvips-${target}`];
  const needed = ['sharp', `@img/sharp-${target}`, ...libvips];
  for (const name of needed) {
    const keep = (path) =>
      !/\.(md|ts|mts|cts|map|h)$/.test(path) && !/[\\/](src|install)[\\/]/.test(path.slice(modules.length));
    copyPart(join(modules, name), join(out, name), '.', keep);
    for (const dependency of Object.keys(readJson(join(modules, name, 'package.json')).dependencies ?? {}))
      if (!needed.includes(dependency)) needed.push(dependency);
  }
}

/** A node_modules that has sharp with the binaries of a platform: ours, or one that is installed for that. */
function modulesWithSharp(target) {
  const ours = join(root, 'node_modules');
  if (existsSync(join(ours, `@img/sharp-${target}`))) return ours;
  const folder = join(root, '.tools/native', target);
  const { version } = readJson(join(ours, 'sharp/package.json'));
  const [os, cpu] = target.split('-');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
  const options = [
    `--os=${os}`,
    `--cpu=${cpu}`,
    '--libc=glibc',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ];
  const npm = process.env.npm_execpath;
  const command = npm === undefined ? ['npm'] : [process.execPath, npm];
  run(command[0], [...command.slice(1), 'install', `sharp@${version}`, ...options], folder);
  return join(folder, 'node_modules');
}

/** Standard output of a program. */
function run(command, args, cwd = root) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout;
  console.error(error?.message ?? '', stdout, stderr);
  process.exit(1);
}
