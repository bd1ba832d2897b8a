// Times int8 against float for every model below a folder, alternating, with spread, and says what was found. The table goes to
// standard output, everything to bench/results/latency.json.
//
//   npm run bench:latency -- [--cli dist/cli.cjs] [--data FOLDER] [--threads 2] [--only NAME,NAME]
import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.mjs';

const script = await bundle('bench/latency.ts');
process.exit(
  spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1,
);
