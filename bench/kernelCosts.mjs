// Times the runtime's kernels in float and in integers, alternating, and writes what they cost on this machine's class of CPU into
// engine/src/placement/kernelCosts.json, where `optimize_for: latency` has it from. Other classes keep what they have.
//
//   npm run bench:kernels -- [--rounds 5]
import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.mjs';

const script = await bundle('bench/kernelCosts.ts');
process.exit(
  spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1,
);
