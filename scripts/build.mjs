// Bundles the programs into dist/ (or --outdir): the extension, the language server, the engine process with its workers,
// and the command line.
import { chmodSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle, EXTENSION_BUNDLES, root } from './bundle.mjs';

const { values } = parseArgs({
  options: { minify: { type: 'boolean', default: false }, outdir: { type: 'string', default: 'dist' } },
});
const { minify, outdir } = values;
rmSync(resolve(root, outdir), { recursive: true, force: true });
await bundle(EXTENSION_BUNDLES, outdir, { minify, sourcemap: !minify });
chmodSync(resolve(root, outdir, 'cli.cjs'), 0o755);
