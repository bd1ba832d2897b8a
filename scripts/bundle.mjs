// How the programs are bundled, for the extension and the npm package alike.
import * as esbuild from 'esbuild';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles that both the extension and the npm package need: the server, and the engine with its threads and the process of modules. */
const SHARED = {
  server: 'server/src/main.ts',
  engine: 'engine/src/process.ts',
  worker: 'engine/src/runtime/worker.ts',
  watch: 'engine/src/processes/watch.ts',
  moduleBridge: 'engine/src/data/modules/bridge.ts',
  moduleHost: 'engine/src/data/modules/host.ts',
  moduleHooks: 'engine/src/data/modules/hooks.ts',
};
const CLI = { cli: 'cli/src/main.ts' };
/** The way to workers, which the command line loads where it is asked for; the extension has none. */
const SCALE = { scale: 'scale/src/index.ts' };

/** What the extension loads when it has registered what it offers: most of its bytes. */
const APART = { languageClient: 'client/src/languageClient.ts' };

export const EXTENSION_BUNDLES = { extension: 'client/src/extension.ts', ...APART, ...SHARED, ...CLI };
export const NPM_BUNDLES = {
  index: 'api/src/index.ts',
  schema: 'api/src/schema.ts',
  ...SHARED,
  ...CLI,
  ...SCALE,
};
/** All that a checkout runs. */
export const EVERY_BUNDLE = { ...EXTENSION_BUNDLES, ...SCALE };

/** What runs in the extension's pages: modules, which load pieces of theirs when they are asked for, and workers of one file. */
const PAGE_MODULES = { model: 'webview/src/model/page.ts' };
const PAGE_WORKERS = { layoutWorker: 'webview/src/graph/layoutWorker.ts' };

/** The packages with the runtime of one platform each. */
export const RUNTIME_PREFIX = '@quantsmith/runtime-';

/** Packages with native parts, and the one that only exists inside the editor. */
const EXTERNAL = ['vscode', 'onnxruntime-node', 'sharp'];

/**
 * In the npm package, the runtime comes from the package of the platform; where that was not installed (a platform without
 * one, an installation without optional packages), from an onnxruntime-node that somebody installed.
 */
export const runtimeOfPlatform = {
  name: 'runtime-of-platform',
  setup(build) {
    build.onResolve({ filter: /^onnxruntime-node$/ }, ({ importer }) =>
      importer.endsWith('.ts') ? { path: 'runtime', namespace: 'platform' } : { external: true },
    );
    build.onLoad({ filter: /./, namespace: 'platform' }, () => ({ contents: RUNTIME_OF_PLATFORM }));
  },
};
const RUNTIME_OF_PLATFORM = `
const name = '${RUNTIME_PREFIX}' + process.platform + '-' + process.arch;
const installed = [name, 'onnxruntime-node'].find((candidate) => {
  try {
    return require.resolve(candidate);
  } catch {
    return false;
  }
});
if (installed === undefined)
  throw new Error('ONNX Runtime is not installed: neither ' + name + ' nor onnxruntime-node was found.');
module.exports = require(installed);
`;

/** A part that is a bundle of its own is loaded from there, where it is imported dynamically. */
const partsApart = {
  name: 'parts-apart',
  setup(build) {
    const names = new RegExp(`/(?:${Object.keys(APART).join('|')})\\.js$`);
    build.onResolve({ filter: names }, ({ path, kind }) =>
      kind === 'dynamic-import'
        ? { path: path.replace(/.*\/(\w+)\.js$/, './$1.cjs'), namespace: 'apart' }
        : null,
    );
    build.onLoad({ filter: /./, namespace: 'apart' }, ({ path }) => ({
      contents: `module.exports = require('${path}');`,
    }));
    build.onResolve({ filter: /./, namespace: 'apart' }, ({ path }) => ({ path, external: true }));
  },
};

/**
 * Bundles entry points into a folder, each as one CommonJS file, with `sourcemap` as esbuild has it; returns esbuild's account
 * of what went in. Without `write` the account alone.
 */
export async function bundle(entryPoints, outdir, options) {
  const { minify = false, sourcemap = false, plugins = [], write = true } = options;
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    write,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify,
    sourcemap,
    metafile: true,
    // The UMD builds that some packages name as main hide their requires from the bundler.
    mainFields: ['module', 'main'],
    external: EXTERNAL,
    plugins: [partsApart, ...plugins],
    // Bundled as CommonJS, `import.meta.url` has to be said.
    define: { 'import.meta.url': '__bundleUrl' },
    banner: { js: "const __bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  });
  return metafile;
}

/** Bundles the scripts of pages into a folder, for the browser that an editor is. */
export async function bundlePages(outdir, { minify = false, sourcemap = false } = {}) {
  const common = {
    absWorkingDir: root,
    outdir,
    bundle: true,
    platform: 'browser',
    target: 'chrome122',
    minify,
    sourcemap,
    logLevel: 'warning',
  };
  await esbuild.build({ ...common, entryPoints: PAGE_WORKERS, format: 'iife' });
  await esbuild.build({
    ...common,
    entryPoints: PAGE_MODULES,
    format: 'esm',
    splitting: true,
    chunkNames: '[name]-[hash]',
  });
}
