// Plants faults in models, data and configs, runs the command line on each, and counts which findings come: recall over the
// planted faults, false alarms over the healthy runs. The lists with what is expected were written before the detectors.
//
//   node bench/faults.mjs [--cli dist/cli.cjs] [--data FOLDER] [--only NAME,NAME] [--lists LIST,LIST]
//
// Lists: planted, healthy (the default), unseen-planted, unseen-healthy, further-planted, further-healthy.
//
// Without the data folder the cases that need it are left out, and said to be.
import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.mjs';

const script = await bundle('bench/faults.ts');
process.exit(
  spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1,
);
