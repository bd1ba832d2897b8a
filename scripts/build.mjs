// Bundles the four programs into dist/: the extension, the language server, the engine process and the command line.
import * as esbuild from 'esbuild';
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const minify = process.argv.includes('--minify');
rmSync(`${root}dist`, { recursive: true, force: true });
await esbuild.build({
  absWorkingDir: root,
  entryPoints: {
    extension: 'client/src/extension.ts',
    server: 'server/src/main.ts',
    engine: 'engine/src/process.ts',
    cli: 'cli/src/main.ts',
  },
  outdir: 'dist',
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
chmodSync(`${root}dist/cli.cjs`, 0o755);
