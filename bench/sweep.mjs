// A sweep of 3 models × 6 settings against 18 separate runs, each with a cache of its own: node bench/sweep.mjs [--data FOLDER]
// [--keep FOLDER] [--defaults nncf|measured] [--models a,b]. Prints wall times, what was computed how often, and the Pareto front; with --keep
// configs, models and pages stay in that folder, which is new. Needs a build (npm run build).
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { models } from './models.mjs';

const { values: args } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    keep: { type: 'string' },
    defaults: { type: 'string', default: 'measured' },
    models: { type: 'string', default: 'squeezenet1.1,resnet8-bn,mnist-8' },
  },
});
const data = resolve(args.data);
const cli = fileURLToPath(new URL('../dist/cli.cjs', import.meta.url));
/** Of images fewer samples: they are decoded for each run. */
const LIMITS = { 'squeezenet1.1': 100, 'resnet8-bn': 2000, 'mnist-8': 2000 };
const PRESETS = ['performance', 'mixed'];
const FIXES = ['enable', 'first_layer', 'disable'];

const base =
  args.keep === undefined ? mkdtempSync(join(tmpdir(), 'quantsmith-bench-sweep-')) : resolve(args.keep);
mkdirSync(base, { recursive: true });
try {
  const configs = args.models.split(',').map((name) => {
    const model = models.find((candidate) => candidate.name === name);
    if (model === undefined) throw new Error(`bench/models.mjs has no ${name}.`);
    return { name, model };
  });

  const separate = folderOf('separate');
  const alone = [];
  const [beforeLoad] = loadavg();
  for (const { name, model } of configs)
    for (const preset of PRESETS)
      for (const fix of FIXES) {
        const file = `${name}.${preset}.${fix}.quant.yaml`;
        writeFileSync(join(separate, file), configText(model, name, { preset, fix }));
        const { seconds, output } = quantsmith(separate, { cache: file }, 'run', file, '--json');
        alone.push({ seconds, report: JSON.parse(output) });
      }

  const together = folderOf('together');
  for (const { name, model } of configs)
    writeFileSync(join(together, `${name}.quant.yaml`), configText(model, name, null));
  const files = configs.map(({ name }) => `${name}.quant.yaml`);
  const { seconds } = quantsmith(together, { cache: 'shared' }, 'sweep', ...files, '--output', 'sweep.html');
  const again = quantsmith(together, { cache: 'shared' }, 'sweep', ...files, '--json');
  const swept = JSON.parse(again.output);
  const reports = swept.points.map(({ report }) => JSON.parse(readFileSync(join(together, report), 'utf8')));
  const before = alone.reduce((sum, run) => sum + run.seconds, 0);

  const counted = (list) => ({
    calibrations: list.filter(({ data: { calibration } }) => !calibration.cached).length,
    float: list.filter(({ data: { validation } }) => !validation.cached).length,
  });
  const [apart, shared] = [counted(alone.map(({ report }) => report)), counted(reports)];
  console.log(
    `load ${beforeLoad.toFixed(1)} before, ${loadavg()[0].toFixed(1)} after; defaults ${args.defaults}`,
  );
  console.log(
    `${alone.length} separate runs  ${before.toFixed(1)} s, ${apart.calibrations} calibrations, ${apart.float} float validations`,
  );
  console.log(
    `one sweep         ${seconds.toFixed(1)} s, ${shared.calibrations} calibrations, ${shared.float} float validations: ${((100 * seconds) / before).toFixed(0)} % of the time`,
  );
  console.log(`the same again    ${again.seconds.toFixed(1)} s, ${swept.work.kept} kept`);
  const stages = (list) =>
    Object.entries(
      list.reduce((sums, { timings_ms: timings }) => {
        for (const [stage, ms] of Object.entries(timings)) sums[stage] = (sums[stage] ?? 0) + ms;
        return sums;
      }, {}),
    );
  const inSweep = new Map(stages(reports));
  for (const [stage, ms] of stages(alone.map(({ report }) => report)))
    console.log(
      `  ${stage.padEnd(10)} ${(ms / 1000).toFixed(1).padStart(7)} s  ${(inSweep.get(stage) / 1000).toFixed(1).padStart(7)} s`,
    );
  const same = alone.filter(({ report }) =>
    reports.some(({ output }) => output.sha256 === report.output.sha256),
  );
  const distinct = new Set(reports.map(({ output }) => output.sha256)).size;
  console.log(
    `models equal to the bit: ${same.length} of ${alone.length}; ${distinct} differ from each other`,
  );
  console.log(
    swept.points
      .filter((point) => point.on_front)
      .map(({ config, name }) => `  front: ${config} ${name}`)
      .join('\n'),
  );
  if (args.keep !== undefined) console.log(`pages: ${join(base, 'together/sweep.html')}`);
} finally {
  if (args.keep === undefined) rmSync(base, { recursive: true, force: true });
}

function folderOf(name) {
  mkdirSync(join(base, name));
  return join(base, name);
}

/** `fixed`: one combination; null: all of them, as a matrix. */
function configText({ file, calibration, validation, preprocess: given }, name, fixed) {
  const { size, crop, ...values } = given;
  const preprocess = {
    ...(size === undefined ? {} : { resize: size }),
    ...(crop === undefined ? {} : { center_crop: crop }),
    ...values,
  };
  const section = ({ images, array, limit, labels }, most) =>
    JSON.stringify({
      ...(images === undefined ? { arrays: join(data, array) } : { images: join(data, images) }),
      ...(labels === undefined ? {} : { labels: join(data, labels) }),
      preprocess,
      limit: Math.min(limit ?? Infinity, most),
    });
  const advanced =
    fixed === null ? '' : `, preset: ${fixed.preset}, advanced_parameters: {overflow_fix: ${fixed.fix}}`;

  return `model: ${join(data, file)}
history: false
data:
  calibration: ${section(calibration, 100)}
  validation: ${section(validation, LIMITS[name])}
quantization: {defaults: ${args.defaults}${advanced}}
${fixed === null ? `matrix:\n  quantization.preset: [${PRESETS}]\n  quantization.advanced_parameters.overflow_fix: [${FIXES}]\n` : ''}`;
}

function quantsmith(cwd, { cache }, ...command) {
  const begun = performance.now();
  const env = { ...process.env, QUANTSMITH_CACHE: join(dirname(cwd), 'caches', cache) };
  const ended = spawnSync(process.execPath, [cli, ...command], {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (ended.status !== 0) throw new Error(`${command.join(' ')} ended with ${ended.status}: ${ended.stderr}`);
  return { seconds: (performance.now() - begun) / 1000, output: ended.stdout };
}
