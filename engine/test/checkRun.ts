import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { TensorProtoSchema, encodeModel, makeTensor } from '@quantsmith/model/onnx';
import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import type { Sample } from '../src/data/types.js';
import {
  compareFeeds,
  samplesOf,
  sizeAllowed,
  CALIBRATION,
  HELD_OUT,
  type GraphResult,
} from './checkGraph.js';
import type { RandomGraph } from './randomGraphs.js';

/** What quantizes the config at this path; the problem's code where it refuses to. */
export type Command = (configPath: string, config: QuantizationConfig) => Promise<{ refused: string | null }>;

/** Decibels by which the report's figure may differ from the one that is measured here. */
const SAME_DB = 0.1;
/** Above this nothing but the last bits of float differ. */
const EXACT_DB = 100;

/**
 * Writes a random graph with samples and a config into a folder, quantizes it by the whole command, and checks the files: what
 * holds of every quantized graph, and that the report tells the same of it.
 */
export async function checkRun(
  graph: RandomGraph,
  seed: number,
  folder: string,
  command: Command,
  twice: boolean,
): Promise<GraphResult> {
  const samples = samplesOf(graph, seed, CALIBRATION + HELD_OUT);
  writeInputs(folder, graph, samples);
  const config: QuantizationConfig = {
    model: 'random.onnx',
    output: 'random.int8.onnx',
    data: { calibration: { tensors: 'samples' } },
    quantization: { subset_size: CALIBRATION },
    history: false,
  };
  const configPath = join(folder, 'random.quant.json');
  writeFileSync(configPath, JSON.stringify(config));
  const { refused } = await command(configPath, config);
  if (refused === 'nothing-to-quantize') return { faults: [], decibels: null, quantized: null };
  if (refused !== null) return { faults: [`refused: ${refused}`], decibels: null, quantized: null };

  const output = join(folder, 'random.int8.onnx');
  const bytes = readFileSync(output);
  const report = JSON.parse(readFileSync(`${output}.report.json`, 'utf8')) as QuantizationReport;
  const held = samples.slice(CALIBRATION);
  const compared = await compareFeeds(encodeModel(graph.model), bytes, held);
  const faults = [...compared.faults, ...untrue(report, compared, bytes.byteLength)];
  if (bytes.byteLength > sizeAllowed(graph.model)) faults.push(`grows to ${bytes.byteLength} bytes`);

  if (twice) {
    await command(configPath, config);
    if (!readFileSync(output).equals(bytes)) faults.push('a second run gives other bytes');
  }

  return { faults, decibels: compared.lowest, quantized: null };
}

function writeInputs(folder: string, { model, inputs }: RandomGraph, samples: readonly Sample[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'random.onnx'), encodeModel(model));
  for (const [index, { feeds }] of samples.entries()) {
    // Listed in the order of their numbers.
    const set = join(folder, 'samples', `test_data_set_${String(index).padStart(3, '0')}`);
    mkdirSync(set, { recursive: true });
    for (const [position, name] of Object.keys(inputs).entries()) {
      const { dims, data } = feeds[name]!;
      const tensor = makeTensor(name, dims, 1, data as Float32Array);
      writeFileSync(join(set, `input_${position}.pb`), toBinary(TensorProtoSchema, tensor));
    }
  }
}

/** What the report says otherwise than it is. */
function untrue(
  report: QuantizationReport,
  { outputs, noise }: Pick<Awaited<ReturnType<typeof compareFeeds>>, 'outputs' | 'noise'>,
  bytes: number,
): string[] {
  const faults: string[] = [];
  if (report.size.quantized_bytes !== bytes)
    faults.push(`the report has ${report.size.quantized_bytes} bytes, the file ${bytes}`);
  for (const { name, sqnr_db: told } of report.outputs) {
    const measured = outputs.get(name);
    if (measured === undefined) faults.push(`the report tells of an output ${name} that is not there`);
    else if (noise.has(name)) {
      // Of an output that is equal to float's nothing is claimed.
      if (told !== null && !saysNoise(report, name))
        faults.push(`the report does not say that ${name} is rounding noise`);
    } else if (told !== null && Number.isFinite(measured) && !isSame(told, measured))
      faults.push(`the report has ${told.toFixed(2)} dB for ${name}, which has ${measured.toFixed(2)}`);
  }

  return faults;
}

const saysNoise = ({ warnings }: QuantizationReport, output: string) =>
  warnings.some(
    ({ code, severity, message }) =>
      code === 'float-ambiguous' && severity === 'info' && message.includes(`"${output}"`),
  );

const isSame = (told: number, measured: number) =>
  Math.abs(told - measured) <= SAME_DB || Math.min(told, measured) > EXACT_DB;
