// Draws the figures of the docs from real runs of the examples, into docs/images/:
//
//   npm run build && node bench/docsFigures.mjs
import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.mjs';

const script = await bundle('bench/docsFigures.ts');
process.exit(spawnSync(process.execPath, [script], { stdio: 'inherit' }).status ?? 1);
