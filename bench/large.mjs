import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.mjs';

const script = await bundle('bench/large.ts');
process.exit(
  spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1,
);
