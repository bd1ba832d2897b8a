// Builds the npm package `quantsmith` into dist/npm: bundles, command, types, schemas, user guide, licences, manifest. It carries
// the runtime of this platform, so that the one file that `npm pack` makes of it installs anywhere alike. With --release, as it
// is published, it carries none: each platform's is a package of its own, in dist/npm-runtime/<platform>, of which a package
// manager installs the one that fits.
import { createRequire } from 'node:module';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle, NPM_BUNDLES, root, RUNTIME_PREFIX, runtimeOfPlatform } from './bundle.mjs';
import { rolledUpTypes } from './npmTypes.mjs';
import { copyRuntime, copyRuntimeCommon, HERE, PLATFORMS } from './platforms.mjs';

const { release } = parseArgs({ options: { release: { type: 'boolean', default: false } } }).values;
const out = join(root, 'dist/npm');
const runtimes = join(root, 'dist/npm-runtime');
const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const write = (name, text) => {
  mkdirSync(dirname(join(out, name)), { recursive: true });
  writeFileSync(join(out, name), text);
};

/** Doors of the package, by the file that each is bundled from; the last has types alone. */
const DOORS = { '.': 'index', './schema': 'schema', './module': 'module' };

for (const folder of [out, runtimes]) rmSync(folder, { recursive: true, force: true });
// Not minified: what Node prints of an error shows the line that it came from.
const metafile = await bundle(NPM_BUNDLES, 'dist/npm/dist', { plugins: [runtimeOfPlatform] });
write('bin/quantsmith.cjs', "#!/usr/bin/env node\nrequire('../dist/cli.cjs');\n");
write('dist/module.cjs', '');
const names = Object.values(DOORS);
const types = rolledUpTypes(names);
for (const [index, name] of names.entries()) {
  write(`dist/${name}.mjs`, esmFaceOf(name));
  write(`dist/${name}.d.mts`, types[index]);
  write(`dist/${name}.d.cts`, types[index]);
}

// The film is the marketplace's.
for (const name of ['LICENSE', 'CHANGELOG.md', 'README.md', 'docs'])
  cpSync(join(root, name), join(out, name), { recursive: true, filter: (path) => !path.endsWith('.gif') });
for (const name of readdirSync(join(root, 'schemas')).filter((name) => name.endsWith('.schema.json')))
  cpSync(join(root, 'schemas', name), join(out, 'schemas', name));
write('THIRD_PARTY_NOTICES.txt', notices(metafile));
write('package.json', `${JSON.stringify(manifest(), null, 2)}\n`);
if (release) for (const platform of PLATFORMS) writeRuntime(platform, join(runtimes, platform));
else writeRuntime(HERE, join(out, 'node_modules', runtimeName(HERE)));
console.log(out);

/**
 * The ECMAScript face of a bundle: it hands on what the CommonJS one exports, so that a program that loads both has one
 * QuantsmithError, not two.
 */
function esmFaceOf(name) {
  const names = Object.keys(createRequire(import.meta.url)(join(out, `dist/${name}.cjs`)));
  if (names.length === 0) return 'export {};\n';
  return `import all from './${name}.cjs';\nexport const { ${names.join(', ')} } = all;\n`;
}

function manifest() {
  const extension = read('package.json');
  const { dependencies } = read('engine/package.json');
  const door = (name) => ({
    import: { types: `./dist/${name}.d.mts`, default: `./dist/${name}.mjs` },
    require: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
  });
  return {
    name: 'quantsmith',
    version: extension.version,
    description: extension.description,
    keywords: extension.keywords,
    license: extension.license,
    repository: extension.repository,
    engines: { node: extension.engines.node },
    bin: { quantsmith: 'bin/quantsmith.cjs' },
    main: './dist/index.cjs',
    module: './dist/index.mjs',
    types: './dist/index.d.cts',
    exports: {
      ...Object.fromEntries(Object.entries(DOORS).map(([path, name]) => [path, door(name)])),
      './schemas/*.json': './schemas/*.json',
      './package.json': './package.json',
    },
    // Everything else is in the bundles; these have native parts.
    dependencies: { sharp: dependencies.sharp },
    optionalDependencies: Object.fromEntries(
      (release ? PLATFORMS : [HERE]).map((platform) => [runtimeName(platform), extension.version]),
    ),
    ...(release ? {} : { bundleDependencies: [runtimeName(HERE)] }),
  };
}

function runtimeName(platform) {
  return `${RUNTIME_PREFIX}${platform}`;
}

/**
 * A package with ONNX Runtime for one platform. `onnxruntime-node` itself has all platforms in one, 288 MB, and a script that
 * fetches parts for GPUs when it is installed, without which the installation fails.
 */
function writeRuntime(platform, folder) {
  const { version, repository } = read('package.json');
  const [os, cpu] = platform.split('-');
  copyRuntime(platform, folder);
  copyRuntimeCommon(join(folder, 'node_modules/onnxruntime-common'));
  cpSync(join(root, 'licenses/onnxruntime.txt'), join(folder, 'LICENSE'));
  const runtime = read('node_modules/onnxruntime-node/package.json');
  const manifest = {
    name: runtimeName(platform),
    version,
    description: `ONNX Runtime ${runtime.version} for Quantsmith on ${platform}: the files of onnxruntime-node, for one platform.`,
    license: runtime.license,
    repository,
    os: [os],
    cpu: [cpu],
    ...(os === 'linux' ? { libc: ['glibc'] } : {}),
    main: 'dist/index.js',
    dependencies: { 'onnxruntime-common': read('node_modules/onnxruntime-common/package.json').version },
    bundleDependencies: ['onnxruntime-common'],
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The licence of every package whose code is in the bundles. */
function notices({ inputs }) {
  const folders = new Set(
    Object.keys(inputs)
      .filter((path) => path.includes('node_modules/'))
      .map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)[1]),
  );
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = read(`${folder}/package.json`);
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : `\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}`;
    return `${name} ${version}\nLicence: ${license ?? 'see its text'}${text}\n`;
  });
  return `Packages whose code is part of the files in dist/.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
