import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodeModel } from '@quantsmith/model/onnx';
import {
  CALIBRATION,
  HELD_OUT,
  checkGraph,
  samplesOf,
  type GraphResult,
} from '../../engine/test/checkGraph.js';
import { checkRun, type Command } from '../../engine/test/checkRun.js';
import { randomGraph, type RandomGraph } from '../../engine/test/randomGraphs.js';

/** Decibels below which a graph is compared with a peer's: `npm run bench:graphs -- FOLDER`. */
const LOW = 25;
/** Every so many graphs one is quantized twice. */
const TWICE = 10;

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    first: { type: 'string', default: '0' },
    keep: { type: 'string' },
    whole: { type: 'boolean', default: false },
  },
});
const [count, first] = [Number(options.count), Number(options.first)];

/** The command line, in a process of its own. */
const commandLine: Command = (configPath) => {
  const cli = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [cli, 'run', configPath, '--no-cache'], {
    encoding: 'utf8',
  });
  const code = / error: .*\[([a-z-]+)\]/.exec(stderr)?.[1];
  return Promise.resolve({
    refused: status === 0 ? null : (code ?? `exit ${status}: ${stderr.slice(-200)}`),
  });
};

const begun = performance.now();
const decibels: number[] = [];
let [faulty, low, untouched] = [0, 0, 0];

for (let seed = first; seed < first + count; seed++) {
  const graph = randomGraph(seed);
  const result = await (options.whole
    ? throughCommand(graph, seed)
    : checkGraph(graph, seed, seed % TWICE === 0));
  if (result.decibels === null && result.faults.length === 0) untouched++;
  if (result.decibels !== null) decibels.push(result.decibels);
  const isLow = result.decibels !== null && result.decibels < LOW;
  if (isLow) low++;
  if (result.faults.length > 0) faulty++;
  if (result.faults.length === 0 && !isLow) continue;
  const ops = graph.model.graph!.node.map(({ opType }) => opType).join(' ');
  if (result.faults.length > 0) console.log(`${seed}: ${result.faults.join('; ')} [${ops}]`);
  if (options.keep !== undefined) keep(options.keep, seed, graph, result);
}

decibels.sort((a, b) => a - b);
const at = (share: number) => decibels[Math.floor(share * (decibels.length - 1))]?.toFixed(1);
console.log(
  `${count} graphs from seed ${first} in ${((performance.now() - begun) / 1000).toFixed(0)} s: ${faulty} faulty, ` +
    `${untouched} with nothing to quantize, ${low} below ${LOW} dB; dB at 1 %: ${at(0.01)}, 10 %: ${at(0.1)}, median: ${at(0.5)}.`,
);
process.exit(faulty === 0 ? 0 : 1);

async function throughCommand(graph: RandomGraph, seed: number): Promise<GraphResult> {
  const folder = mkdtempSync(join(tmpdir(), 'quantsmith-graph-'));
  try {
    return await checkRun(graph, seed, folder, commandLine, seed % TWICE === 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Keeps a graph with its samples and figures, for a look and for a comparison with peers. */
function keep(
  folder: string,
  seed: number,
  graph: RandomGraph,
  { decibels: own, quantized }: GraphResult,
): void {
  mkdirSync(folder, { recursive: true });
  const samples = samplesOf(graph, seed, CALIBRATION + HELD_OUT).map(({ feeds }) =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, { dims, data }]) => [
        name,
        { dims, data: [...(data as Float32Array)] },
      ]),
    ),
  );
  writeFileSync(join(folder, `${seed}.onnx`), encodeModel(graph.model));
  writeFileSync(
    join(folder, `${seed}.json`),
    JSON.stringify({
      decibels: own,
      calibration: samples.slice(0, CALIBRATION),
      held: samples.slice(CALIBRATION),
    }),
  );
  if (quantized !== null) writeFileSync(join(folder, `${seed}.int8.onnx`), encodeModel(quantized));
}
