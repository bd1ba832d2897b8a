import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { withChange, type QuantizationChange } from '@quantsmith/schemas';
import { measureLatency } from '../engine/src/measure/latency.js';
import { runPipeline } from '../engine/src/pipeline.js';
import { createSession } from '../engine/src/runtime/session.js';
import { evaluate } from './choices/evaluate.js';
import { subjects, type Subject } from './choices/subjects.js';
import { openData } from '../engine/src/data/source.js';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    only: { type: 'string' },
    threads: { type: 'string', default: '1' },
    validation: { type: 'string', default: '40' },
    scratch: { type: 'string', default: '.tools/bench/choices' },
  },
});
/** All else fixed, so that the aim alone makes the difference. `nncf`: what the others are measured against. */
const AIMS: Readonly<Record<string, QuantizationChange>> = {
  nncf: { defaults: 'nncf' },
  latency: { defaults: 'nncf', optimize_for: 'latency' },
  size: { defaults: 'nncf', optimize_for: 'size' },
  integer: { defaults: 'nncf', optimize_for: 'integer' },
};
const CALIBRATION = 16;
const TIMED = { budgetMs: 3000, maxRuns: 200 };

interface Row {
  readonly model: string;
  readonly aim: string;
  readonly bytes: number;
  readonly operators: { readonly quantized: number; readonly faster: readonly string[] };
  readonly outputs: readonly number[];
  /** NNCF's placement over this one: above 1 is faster. */
  readonly faster: number | null;
  readonly interval: readonly [number, number] | null;
}

const scratch = resolve(options.scratch);
mkdirSync(scratch, { recursive: true });
const all = await subjects(resolve(options.data), scratch);
const wanted = options.only?.split(',') ?? all.map(({ name }) => name);
const rows: Row[] = [];
for (const subject of all.filter(({ name }) => wanted.includes(name))) {
  for (const aim of Object.keys(AIMS)) {
    const row = await measured(subject, aim).catch((error: unknown) => String(error));
    if (typeof row === 'string') {
      console.error(subject.name, aim, row);
      continue;
    }

    console.error(JSON.stringify(row));
    rows.push(row);
  }
}

mkdirSync('bench/results', { recursive: true });
writeFileSync('bench/results/aims.json', `${JSON.stringify(rows, null, 2)}\n`);
console.log(table());

function outputOf(model: string, aim: string): string {
  return join(scratch, `${model}.aim-${aim}.onnx`);
}

async function measured({ name, config }: Subject, aim: string): Promise<Row> {
  const output = outputOf(name, aim);
  rmSync(output, { force: true });
  const { validation, ...data } = config.data;
  const few = withChange({ ...config, data, history: false }, { ...AIMS[aim]!, subset_size: CALIBRATION });
  const { report } = await runPipeline(
    {
      ...{ kind: 'run', configPath: join(scratch, 'x.quant.yaml'), configSha256: '', allowModules: false },
      ...{ output, config: few, cache: false, force: true },
    },
    () => undefined,
  );
  const { outputs } = await evaluate(config.model, output, validation!, Number(options.validation));
  const fast = report.layers.filter(({ runs }) => runs === 'faster_in_float');
  const { ratio, faster } = await speed(name, output, validation!);

  return {
    ...{ model: name, aim, bytes: statSync(output).size, faster, interval: ratio },
    operators: {
      quantized: report.layers.filter(({ quantized }) => quantized).length,
      faster: fast.map(({ name: node, op }) => `${node} (${op})`),
    },
    outputs: Object.values(outputs),
  };
}

async function speed(
  name: string,
  output: string,
  section: Parameters<typeof evaluate>[2],
): Promise<{ faster: number | null; ratio: readonly [number, number] | null }> {
  const base = outputOf(name, 'nncf');
  if (base === output) return { faster: null, ratio: null };
  const [before, after] = [await opened(base), await opened(output)];
  const inputs = before.inputs.map((input) => ({ ...input }));
  const where = { baseDir: '.', allowModules: false, configPath: ['data', 'validation'] } as const;
  const source = await openData(section, { inputs, ...where });
  const { feeds } = await source.get(0);
  const latency = await measureLatency(before, after, feeds, TIMED);
  for (const session of [before, after]) await session.release();

  // The 10th percentiles: what else uses the machine adds to times and never takes away.
  return { faster: latency.floatSpread[0] / latency.quantizedSpread[0], ratio: latency.ratio };
}

function opened(path: string) {
  return createSession(path, { threads: Number(options.threads), timed: true });
}

function table(): string {
  const lines = rows.map(({ model, aim, bytes, operators, outputs, faster, interval }) =>
    [
      ...['', model, aim, (bytes / 1024).toFixed(0), operators.quantized],
      operators.faster.length,
      faster === null
        ? '1'
        : `${faster.toFixed(2)} (${(interval ?? []).map((x) => x.toFixed(2)).join(' … ')})`,
      outputs.map((ratio) => ratio?.toFixed(1) ?? '∞').join(', '),
      '',
    ].join(' | '),
  );

  return [
    `load ${loadavg()[0]!.toFixed(1)}, ${options.threads} threads`,
    '',
    '| model | optimize_for | KB | quantized | float for speed | faster than nncf (95 %) | outputs, dB |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines.map((line) => line.trim()),
  ].join('\n');
}
