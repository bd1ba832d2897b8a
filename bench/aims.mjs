// What each value of `optimize_for` does to models of the data folder, beside NNCF's placement: size, latency (alternating, with its
// 95 % interval), error at the outputs. The table goes to standard output, everything to bench/results/aims.json.
//
//   npm run bench:aims -- [--data FOLDER] [--threads 1] [--only NAME,NAME] [--validation 40]
import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.mjs';

const script = await bundle('bench/aims.ts');
process.exit(
  spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1,
);
