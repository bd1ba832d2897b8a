// Bundles the programs into dist/ (or --outdir): the extension, the language server, the engine process with its workers,
// and the command line.
import { chmodSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle, bundlePages, EVERY_BUNDLE, root } from './bundle.mjs';

const { values } = parseArgs({
  options: { minify: { type: 'boolean', default: false }, outdir: { type: 'string', default: 'dist' } },
});
const { minify, outdir } = values;
rmSync(resolve(root, outdir), { recursive: true, force: true });
// Of a linked map, Node would write a copy for each process whose coverage is measured.
const kind = process.env.QUANTSMITH_COVERAGE === undefined ? 'linked' : 'external';
await bundle(EVERY_BUNDLE, outdir, { minify, sourcemap: minify ? false : kind });
await bundlePages(`${outdir}/pages`, { minify, sourcemap: minify ? false : 'linked' });
chmodSync(resolve(root, outdir, 'cli.cjs'), 0o755);
