// Bundles the programs into dist/ (or --outdir): the extension, the language server, the engine process with its lanes,
// and the command line.
import * as esbuild from 'esbuild';
import { chmodSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { minify: { type: 'boolean', default: false }, outdir: { type: 'string', default: 'dist' } },
});
const { minify, outdir } = values;
rmSync(resolve(root, outdir), { recursive: true, force: true });
await esbuild.build({
  absWorkingDir: root,
  entryPoints: {
    extension: 'client/src/extension.ts',
    server: 'server/src/main.ts',
    engine: 'engine/src/process.ts',
    lane: 'engine/src/runtime/lane.ts',
    watch: 'engine/src/processes/watch.ts',
    cli: 'cli/src/main.ts',
  },
  outdir,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify,
  sourcemap: minify ? false : 'linked',
  // The UMD builds that some packages name as main hide their requires from the bundler.
  mainFields: ['module', 'main'],
  external: ['vscode', 'onnxruntime-node', 'sharp'],
  // Bundled as CommonJS, `import.meta.url` has to be said.
  define: { 'import.meta.url': '__bundleUrl' },
  banner: { js: "const __bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  logLevel: 'warning',
});
chmodSync(resolve(root, outdir, 'cli.cjs'), 0o755);
