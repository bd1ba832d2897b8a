import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { check } from '@quantsmith/api';
import { encodeModel } from '@quantsmith/model/onnx';
import { QuantsmithError } from '@quantsmith/schemas';
import {
  CALIBRATION,
  ENOUGH,
  HELD_OUT,
  checkGraph,
  samplesOf,
  type GraphResult,
} from '../../engine/test/checkGraph.js';
import { checkRun, type Command } from '../../engine/test/checkRun.js';
import { runPipeline } from '../../engine/src/pipeline.js';
import { randomGraph, type RandomGraph } from '../../engine/test/randomGraphs.js';

/** Every so many graphs one is quantized twice. */
const TWICE = 10;
/** Through the whole command every so many graphs one goes through the command line itself; the others share a process. */
const OWN_PROCESS = 50;

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    first: { type: 'string', default: '0' },
    keep: { type: 'string' },
    whole: { type: 'boolean', default: false },
    ledger: { type: 'string' },
    seconds: { type: 'string' },
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

/** What the command does, in this process: the checks of a config, and then a run to files. */
const sameProcess: Command = async (configPath, config) => {
  const { findings } = await check(configPath);
  const error = findings.find(({ severity }) => severity === 'error');
  if (error !== undefined) return { refused: error.code };
  const request = {
    kind: 'run',
    config,
    configPath,
    configSha256: '',
    allowModules: false,
    cache: false,
  } as const;
  try {
    await runPipeline(request, () => undefined);
    return { refused: null };
  } catch (reason) {
    if (!(reason instanceof QuantsmithError)) throw reason;
    return { refused: reason.problem.code };
  }
};

/** One graph, as a line of the ledger; `decibels` null: nothing was to be quantized. */
interface Entry {
  readonly seed: number;
  readonly decibels: number | null;
  readonly faults: readonly string[];
  /** As in `GraphResult`. */
  readonly calibratedOnAll?: number;
}

const begun = performance.now();
const done = readLedger(options.ledger);
const isLate = () =>
  options.seconds !== undefined && performance.now() - begun > 1000 * Number(options.seconds);

for (let seed = first; seed < first + count && !isLate(); seed++) {
  if (done.has(seed)) continue;
  const graph = randomGraph(seed);
  const result = await (options.whole
    ? throughCommand(graph, seed)
    : checkGraph(graph, seed, seed % TWICE === 0));
  // A run beyond all numbers is none that can be written.
  const decibels = result.decibels === null ? null : Math.min(result.decibels, 200);
  const { faults, calibratedOnAll } = result;
  const entry: Entry = {
    seed,
    decibels,
    faults,
    ...(calibratedOnAll === undefined ? {} : { calibratedOnAll }),
  };
  done.set(seed, entry);
  if (options.ledger !== undefined) appendFileSync(options.ledger, `${JSON.stringify(entry)}\n`);
  const isLow = result.decibels !== null && result.decibels < ENOUGH;
  if (result.faults.length === 0 && !isLow) continue;
  const ops = graph.model.graph.node.map(({ opType }) => opType).join(' ');
  if (result.faults.length > 0) console.log(`${seed}: ${result.faults.join('; ')} [${ops}]`);
  if (options.keep !== undefined) keep(options.keep, seed, graph, result);
}

const entries = [...done.values()];
const measured = entries.flatMap(({ decibels }) => decibels ?? []).sort((a, b) => a - b);
const at = (share: number) => measured[Math.floor(share * (measured.length - 1))]?.toFixed(1);
const counted = (isSo: (entry: Entry) => boolean) => entries.filter(isSo).length;
const faulty = counted(({ faults }) => faults.length > 0);
const untouched = counted(({ faults, decibels }) => faults.length === 0 && decibels === null);
console.log(
  `${entries.length} graphs, ${((performance.now() - begun) / 1000).toFixed(0)} s: ${faulty} faulty, ` +
    `${untouched} with nothing to quantize, ${counted(({ decibels }) => decibels !== null && decibels < ENOUGH)} below ${ENOUGH} dB, ` +
    `${counted(({ calibratedOnAll = ENOUGH }) => calibratedOnAll < ENOUGH)} of them too when they are calibrated on all samples; ` +
    `dB at 1 %: ${at(0.01)}, 10 %: ${at(0.1)}, median: ${at(0.5)}.`,
);
process.exit(faulty === 0 ? 0 : 1);

/** The graphs that earlier runs have done, by seed. */
function readLedger(file: string | undefined): Map<number, Entry> {
  if (file === undefined || !existsSync(file)) return new Map();
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const read = lines.map((line) => JSON.parse(line) as Entry);

  return new Map(read.map((entry) => [entry.seed, entry]));
}

async function throughCommand(graph: RandomGraph, seed: number): Promise<GraphResult> {
  const folder = mkdtempSync(join(tmpdir(), 'quantsmith-graph-'));
  try {
    const command = seed % OWN_PROCESS === 0 ? commandLine : sameProcess;
    return await checkRun(graph, seed, folder, command, seed % TWICE === 0);
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
