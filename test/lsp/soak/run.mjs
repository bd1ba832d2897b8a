// Bundles the soak and the server, and runs the one against the other: npm run soak:lsp -- [--edits 200000] [--seed 1]
import * as esbuild from 'esbuild';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { builtServer } from '../../../bench/lsp/peer.mjs';
import { messageSchema } from '../schema.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const outfile = `${root}.tools/bench/soak.cjs`;
await esbuild.build({
  absWorkingDir: root,
  entryPoints: ['test/lsp/soak/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  mainFields: ['module', 'main'],
  external: ['onnxruntime-node', 'sharp'],
  define: { 'import.meta.url': '__bundleUrl' },
  banner: { js: "const __bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  logLevel: 'warning',
});
const { status } = spawnSync(process.execPath, [outfile, root, builtServer(), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, QUANTSMITH_LSP_SCHEMA: await messageSchema() },
});
process.exit(status ?? 1);
