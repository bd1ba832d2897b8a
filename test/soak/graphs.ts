import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel } from '@quantsmith/model/onnx';
import { checkGraph } from '../../engine/test/checkGraph.js';
import { randomGraph } from '../../engine/test/randomGraphs.js';

/** Decibels below which a graph is worth a look: beside a peer's on the same graph. */
const LOW = 25;
/** Every so many graphs one is quantized twice. */
const TWICE = 10;

const [, , count = '20000', first = '0', folder] = process.argv;
const begun = performance.now();
const decibels: number[] = [];
let [faulty, low, untouched] = [0, 0, 0];

for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const graph = randomGraph(seed);
  const result = await checkGraph(graph, seed, seed % TWICE === 0);
  if (result.decibels === null && result.faults.length === 0) untouched++;
  if (result.decibels !== null) decibels.push(result.decibels);
  const isLow = result.decibels !== null && result.decibels < LOW;
  if (isLow) low++;
  if (result.faults.length > 0) faulty++;
  if (result.faults.length === 0 && !isLow) continue;
  const ops = graph.model.graph!.node.map(({ opType }) => opType).join(' ');
  if (result.faults.length > 0) console.log(`${seed}: ${result.faults.join('; ')} [${ops}]`);
  if (folder === undefined) continue;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${seed}.onnx`), encodeModel(graph.model));
  if (result.quantized !== null)
    writeFileSync(join(folder, `${seed}.int8.onnx`), encodeModel(result.quantized));
  if (isLow) writeFileSync(join(folder, `${seed}.txt`), `${result.decibels.toFixed(2)} ${ops}\n`);
}

decibels.sort((a, b) => a - b);
const at = (share: number) => decibels[Math.floor(share * (decibels.length - 1))]?.toFixed(1);
console.log(
  `${count} graphs from seed ${first} in ${((performance.now() - begun) / 1000).toFixed(0)} s: ${faulty} faulty, ` +
    `${untouched} with nothing to quantize, ${low} below ${LOW} dB; dB at 1 %: ${at(0.01)}, 10 %: ${at(0.1)}, median: ${at(0.5)}.`,
);
process.exit(faulty === 0 ? 0 : 1);
