import { readModel } from '@quantsmith/model/onnx';
import { join } from 'node:path';
import { seedModels } from './onnx.js';
import { throughRun } from './runs.js';

/** Answers each seed that it is sent with the outcome of its run. Arguments: the example's model, a folder to run in. */
const [example, folder] = process.argv.slice(2) as [string, string];
const seeds = readModel(example).then(({ model }) => seedModels(model));

process.on('message', (seed: number) => {
  void seeds
    .then((models) => throughRun(seed, join(folder, 'run'), models))
    .then((outcome) => process.send!(outcome));
});
