// Packs the extension: quantsmith-<platform>.vsix with the bundles and just the native files that one platform needs.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = process.env.VSCE_TARGET ?? `${process.platform}-${process.arch}`;
const [os, arch] = target.split('-');
const run = (command, args) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return;
  console.error(stdout, stderr);
  process.exit(1);
};
run(process.execPath, ['scripts/build.mjs', '--minify']);

const out = join(root, 'dist/node_modules');
rmSync(out, { recursive: true, force: true });
const copy = (name, part, keep = () => true) => {
  const source = join(root, 'node_modules', name, part);
  if (!existsSync(source)) throw new Error(`${name}/${part} is not installed`);
  cpSync(source, join(out, name, part), {
    recursive: true,
    filter: (path) => statSync(path).isDirectory() || keep(path),
  });
};
const script = (path) => /\.[cm]?js$/.test(path) || path.endsWith('package.json');
copy('onnxruntime-node', 'package.json');
copy('onnxruntime-node', 'dist', script);
copy('onnxruntime-node', `bin/napi-v6/${os}/${arch}`, (path) => !/cuda|tensorrt/i.test(path));
copy('onnxruntime-common', 'package.json');
copy('onnxruntime-common', 'dist/cjs', script);

// sharp and what it needs at run time, with the binaries of the one platform.
const needed = ['sharp', `@img/sharp-${target}`, ...(os === 'win32' ? [] : [`@img/sharp-libvips-${target}`])];
for (const name of needed) {
  const { dependencies = {} } = JSON.parse(
    readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'),
  );
  copy(
    name,
    '',
    (path) =>
      !/\.(md|ts|mts|cts|map|h)$/.test(path) && !/[\\/](src|install)[\\/]/.test(path.slice(root.length)),
  );
  for (const dependency of Object.keys(dependencies))
    if (!needed.includes(dependency)) needed.push(dependency);
}
const vsix = `quantsmith-${target}.vsix`;
run(join(root, 'node_modules/.bin/vsce'), [
  'package',
  '--target',
  target,
  '--no-dependencies',
  '--skip-license',
  '--no-rewrite-relative-links',
  '--out',
  vsix,
]);
// The development build again, with source maps and without the packed copies.
run(process.execPath, ['scripts/build.mjs']);
console.log(vsix);
