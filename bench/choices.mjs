// What `defaults: measured` chooses on each real model, beside the fixed defaults and ONNX Runtime's ranges (minmax): the error of
// each output over samples that no tool saw (SQNR), the metric where there are labels, CPU seconds and memory. Each run is a
// process of its own. Prints a table in Markdown; the JSON is in bench/results/choices.json.
//
//   npm run bench:choices -- [--data FOLDER] [--only NAME,NAME] [--settings measured,nncf,minmax] [--validation 1000] [--threads 2]
import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.mjs';

const script = await bundle('bench/choices.ts');
process.exit(
  spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1,
);
