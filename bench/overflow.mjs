// Prints, for each model, what each overflow_fix gives: layers at risk, layers that saturate, the metric here and as
// predicted for a CPU without VNNI; with --qemu also the metric on an emulated Haswell. Writes all as JSON.
//
//   npm run bench:overflow -- [--models a,b] [--samples 200] [--data FOLDER] [--qemu a,b [--qemu-fixes enable,auto]]
import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.mjs';

const script = await bundle('bench/overflow.ts');
process.exit(
  spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1,
);
