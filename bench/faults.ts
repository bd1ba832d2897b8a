import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeModel, readModel } from '@quantsmith/model/onnx';
import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import { readSamples, writeSamples, type Samples } from './faults/arrays.js';
import { ALARMS, type Case } from './faults/case.js';
import { FURTHER_HEALTHY, FURTHER_PLANTED } from './faults/further.js';
import { HEALTHY } from './faults/healthy.js';
import { PLANTED } from './faults/planted.js';
import { subjects } from './faults/subjects.js';
import { UNSEEN_HEALTHY, UNSEEN_PLANTED } from './faults/unseen.js';

const { values: options } = parseArgs({
  options: {
    cli: { type: 'string', default: 'dist/cli.cjs' },
    data: { type: 'string', default: '../shared/data' },
    only: { type: 'string' },
    lists: { type: 'string', default: 'planted,healthy' },
  },
});
const LISTS: Readonly<Record<string, readonly Case[]>> = {
  ...{ planted: PLANTED, healthy: HEALTHY },
  ...{ 'further-planted': FURTHER_PLANTED, 'further-healthy': FURTHER_HEALTHY },
  ...{ 'unseen-planted': UNSEEN_PLANTED, 'unseen-healthy': UNSEEN_HEALTHY },
};
const work = resolve('.tools/bench/faults');
const known = subjects(resolve(options.data));

interface Result {
  readonly list: string;
  readonly name: string;
  readonly subject: string;
  readonly isPlanted: boolean;
  readonly expected: readonly string[];
  /** The text points at the fault. */
  readonly isSaid: boolean;
  /** Codes of the findings, each with its severity; null: the run ended without a report. */
  readonly found: readonly string[] | null;
  readonly text: string;
  readonly seconds: number;
}

const results: Result[] = [];
let skipped = 0;
for (const list of options.lists.split(',')) {
  for (const each of LISTS[list] ?? []) {
    if (options.only !== undefined && !options.only.split(',').includes(each.name)) continue;
    const result = await attempt(list, each);
    if (result === null) {
      skipped++;
      continue;
    }

    results.push(result);
    const verdict = isRight(result) ? 'ok    ' : result.isPlanted ? 'MISSED' : 'ALARM ';
    const codes = result.found?.join(', ') ?? `no report: ${result.text}`;
    console.log(`${verdict} ${each.subject}: ${each.name} (${result.seconds.toFixed(1)} s): ${codes}`);
  }
}

mkdirSync('bench/results', { recursive: true });
writeFileSync('bench/results/faults.json', `${JSON.stringify(results, null, 2)}\n`);
console.log(summary());

async function attempt(
  list: string,
  { name, subject, change = {}, expected, says }: Case,
): Promise<Result | null> {
  const config = known[subject]!;
  if (!existsSync(config.model)) {
    console.log(`left out, no ${config.model}: ${name}`);
    return null;
  }

  const folder = join(work, `${subject}-${name}`.replaceAll(/[^\w]+/g, '-'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'run.quant.json');
  const changed = await planted(config, change, folder);
  writeFileSync(path, JSON.stringify({ ...changed, output: 'run.int8.onnx', history: false }, null, 2));
  const begun = performance.now();
  const run = spawnSync(process.execPath, [resolve(options.cli), 'run', path, '--no-cache', '--json'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const seconds = (performance.now() - begun) / 1000;
  const reportPath = join(folder, 'run.int8.onnx.report.json');
  const isPlanted = expected.length > 0 || says !== undefined;
  const facts = { list, name, subject, isPlanted, expected, seconds };
  const isSaid = (text: string) => says?.test(text.replaceAll(folder, '')) ?? false;
  if (!existsSync(reportPath)) {
    const text = `${run.stderr}${run.stdout}`;
    return { ...facts, isSaid: isSaid(text), found: null, text };
  }

  const report = JSON.parse(readFileSync(reportPath, 'utf8')) as QuantizationReport;
  const alarms = report.warnings.map(({ code }) => code);
  const missed = report.metric?.satisfied === false ? ['target-missed'] : [];
  const text = report.warnings.map(({ code, message }) => `${code}: ${message}`).join('\n');

  return { ...facts, isSaid: isSaid(text), found: [...alarms, ...missed], text };
}

/** The config of a case, its changed files in `folder`. */
async function planted(
  config: QuantizationConfig,
  change: NonNullable<Case['change']>,
  folder: string,
): Promise<QuantizationConfig> {
  const changed = change.config?.(config) ?? config;
  const { calibration, validation } = changed.data;
  const array = (path: string | undefined, edit?: (samples: Samples) => Samples) =>
    path === undefined || edit === undefined
      ? path
      : writeSamples(join(folder, path.split('/').at(-1)!), edit(readSamples(path)));
  const labels = () => {
    const given = validation?.labels;
    if (typeof given !== 'string') return given;
    if (change.labelLines !== undefined) return writeLines(given, folder, change.labelLines);
    return array(given, change.labels);
  };

  let { model } = changed;
  if (change.model !== undefined) {
    model = join(folder, 'model.onnx');
    writeFileSync(model, encodeModel(change.model((await readModel(changed.model)).model)));
  }

  const withArrays = (section: typeof calibration, edit?: (samples: Samples) => Samples) =>
    section === undefined || typeof section.arrays !== 'string'
      ? section
      : { ...section, arrays: array(section.arrays, edit) };
  const data = {
    ...changed.data,
    ...(calibration === undefined ? {} : { calibration: withArrays(calibration, change.calibration) }),
    ...(validation === undefined
      ? {}
      : {
          validation: {
            ...withArrays(validation, change.validation),
            labels: labels(),
          },
        }),
  };

  return { ...changed, model, data } as QuantizationConfig;
}

function writeLines(path: string, folder: string, edit: (file: string, label: number) => string): string {
  const [head = '', ...lines] = readFileSync(path, 'utf8').trim().split('\n');
  const changed = lines.map((line) => {
    const [file = '', label = ''] = line.split(',');
    return edit(file, Number(label));
  });
  const target = join(folder, 'labels.csv');
  writeFileSync(target, `${[head, ...changed].join('\n')}\n`);
  return target;
}

/** Planted: one of the expected findings, or a text that points at it. Healthy: a report, and nothing said to be wrong. */
function isRight({ isPlanted, isSaid, expected, found }: Result): boolean {
  if (isPlanted) return isSaid || expected.some((code) => found?.includes(code));
  return found !== null && !found.some((code) => ALARMS.has(code));
}

function summary(): string {
  const faults = results.filter(({ isPlanted }) => isPlanted);
  const healthy = results.filter(({ isPlanted }) => !isPlanted);
  const right = (list: readonly Result[]) => list.filter(isRight).length;
  const alarms = healthy.length - right(healthy);
  const [found, all] = [right(faults), faults.length];
  const share = (part: number, whole: number) => (whole === 0 ? '–' : (part / whole).toFixed(2));

  return [
    '',
    `planted faults found: ${found} of ${all} (recall ${share(found, all)})`,
    `healthy runs with an alarm: ${alarms} of ${healthy.length}`,
    `precision ${share(found, found + alarms)}; left out for want of data: ${skipped}`,
  ].join('\n');
}
