import { toBinary } from '@bufbuild/protobuf';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  ElementType,
  makeTensor,
  readModel,
  TensorProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from '@quantsmith/model/onnx';
import { seededRandom, type QuantizationReport } from '@quantsmith/schemas';

const { values: options } = parseArgs({
  options: {
    cli: { type: 'string', default: 'dist/cli.cjs' },
    data: { type: 'string', default: '../shared/data' },
    threads: { type: 'string', default: String(Math.min(4, availableParallelism())) },
    only: { type: 'string' },
  },
});
const work = resolve('.tools/bench/latency');
const models = resolve(options.data, 'models');
/** Random samples: times do not depend on the values. */
const SAMPLE_RATE = 16_000;
const SAMPLES = 8;
/** What a free dimension becomes: the first one, and all others. */
const [BATCH, LENGTH] = [1, 32];
/** Shapes of the inputs that take no others than these (silero). */
const SHAPES = new Map([
  ['input', [1, 512]],
  ['state', [2, 1, 128]],
]);

interface Row {
  readonly name: string;
  readonly latency: QuantizationReport['latency_ms'] | null;
  readonly found: string;
}

const rows: Row[] = [];
const begun = loadavg()[0]!;
for (const path of modelPaths()) {
  const name = basename(path, '.onnx');
  if (options.only !== undefined && !options.only.split(',').includes(name)) continue;
  const row = await timed(path, name);
  rows.push(row);
  console.error(`${row.name}: ${row.latency === null ? row.found : row.latency.speedup.toFixed(2)}`);
}

mkdirSync('bench/results', { recursive: true });
writeFileSync('bench/results/latency.json', `${JSON.stringify(rows, null, 2)}\n`);
console.log(table());

function modelPaths(): string[] {
  return readdirSync(models, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.onnx') && !file.startsWith('quantized_refs'))
    .sort()
    .map((file) => join(models, file));
}

async function timed(path: string, name: string): Promise<Row> {
  const folder = join(work, name);
  rmSync(folder, { recursive: true, force: true });
  const { model } = await readModel(path);
  const constants = new Set(model.graph.initializer.map((tensor) => tensor.name));
  const inputs = model.graph.input.filter((input) => !constants.has(input.name));
  for (let sample = 0; sample < SAMPLES; sample++) {
    const set = join(folder, 'samples', `test_data_set_${sample}`);
    mkdirSync(set, { recursive: true });
    inputs.forEach((input, i) => {
      writeFileSync(join(set, `input_${i}.pb`), toBinary(TensorProtoSchema, randomTensor(input, sample)));
    });
  }

  const config = join(folder, 'latency.quant.json');
  const quantization = { advanced_parameters: { backend_params: { threads: Number(options.threads) } } };
  const data = { calibration: { tensors: 'samples' } };
  writeFileSync(
    config,
    JSON.stringify({ model: path, output: 'int8.onnx', data, quantization, history: false }),
  );
  const { status, stderr } = spawnSync(
    process.execPath,
    [resolve(options.cli), 'run', config, '--no-cache', '--json'],
    { encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  if (status !== 0) {
    const reason = /error: .*/.exec(stderr)?.[0] ?? `exit ${status}`;
    return { name, latency: null, found: reason.replaceAll(folder, '').slice(0, 90) };
  }

  const text = readFileSync(join(folder, 'int8.onnx.report.json'), 'utf8');
  const { latency_ms: latency, warnings } = JSON.parse(text) as QuantizationReport;
  const slower = warnings.find(({ code }) => code === 'slower-than-float');
  const costs = /Most expensive: (.*?)\.(?: [A-Z]|$)/.exec(slower?.message ?? '')?.[1];
  const found = slower === undefined ? '' : `slower-than-float${costs === undefined ? '' : `: ${costs}`}`;

  return { name, latency, found };
}

/** Values in (−1, 1), or small whole numbers, from a generator with a fixed seed. */
function randomTensor({ name, type }: ValueInfoProto, sample: number): TensorProto {
  const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined;
  const declared = (tensor?.shape?.dim ?? []).map(({ value }) =>
    value.case === 'dimValue' ? Number(value.value) : 0,
  );
  const open = declared.some((size) => size <= 0);
  const known = open ? SHAPES.get(name) : undefined;
  const dims = declared.map((size, axis) =>
    size > 0 ? size : (known?.[axis] ?? (axis === 0 ? BATCH : LENGTH)),
  );
  const count = dims.reduce((product, size) => product * size, 1);
  const next = seededRandom(sample);

  // The one scalar in whole numbers among these models is a sample rate.
  const whole = () => (dims.length === 0 ? SAMPLE_RATE : Math.floor(100 * next()));
  const elemType = tensor?.elemType ?? ElementType.FLOAT;
  const values =
    elemType === ElementType.INT64
      ? BigInt64Array.from({ length: count }, () => BigInt(whole()))
      : elemType === ElementType.INT32
        ? Int32Array.from({ length: count }, whole)
        : Float32Array.from({ length: count }, () => 2 * next() - 1);

  return makeTensor(name, dims, elemType, values);
}

function table(): string {
  const spread = (median: number, low?: number, high?: number) =>
    `${digits(median)}${low === undefined || high === undefined ? '' : ` (${digits(low)} … ${digits(high)})`}`;
  const lines = rows.map(({ name, latency, found }) =>
    latency === null
      ? `| ${name} | – | – | – | ${found} |`
      : `| ${[
          name,
          spread(latency.float_median, latency.float_p10, latency.float_p90),
          spread(latency.quantized_median, latency.quantized_p10, latency.quantized_p90),
          latency.speedup.toFixed(2),
          `${found}${latency.busy === true ? (found === '' ? 'busy' : '; busy') : ''}`,
        ].join(' | ')} |`,
  );

  return [
    `${cpus()[0]?.model ?? 'unknown CPU'}, ${options.threads} threads; load ${begun.toFixed(1)} at the begin, ${loadavg()[0]!.toFixed(1)} at the end.`,
    '',
    '| model | float, ms (10th … 90th percentile) | int8, ms | float / int8 | finding |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function digits(value: number): string {
  return value.toPrecision(3);
}
