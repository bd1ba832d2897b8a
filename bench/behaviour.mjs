// Whether two builds behave the same: both run a list of configs, written models must be equal to the byte, and reports
// after the fields in VOLATILE are taken out.
//
//   node bench/behaviour.mjs BEFORE/cli.cjs AFTER/cli.cjs [--data FOLDER] [--only NAME]
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { data: { type: 'string', default: join(root, '../shared/data') }, only: { type: 'string' } },
});
const [before, after] = positionals.map((path) => resolve(path));
if (after === undefined) throw new Error('Usage: node bench/behaviour.mjs BEFORE/cli.cjs AFTER/cli.cjs');

/** What differs between two runs of one build: times, memory, paths, and what a time limit decides. */
const VOLATILE = [
  /^created$/,
  /^tool\./,
  /^timings_ms\./,
  /^latency_ms\./,
  /^peak_rss_bytes$/,
  /(^|\.)path$/,
  /^config\.sha256$/,
  /^data\.calibration\.cached$/,
  /^overflow\.predicted/,
  /^overflow\.layers\.\d+\.(saturating_fraction_calibration|saturation_sqnr_db)$/,
  /^choices\.\d+\.seconds$/,
  /^restoration\.costs\.\d+\.latency_ms$/,
];

const digits = (quantization, accuracy) => ({
  model: join(root, 'examples/digits/digits.onnx'),
  data: Object.fromEntries(
    ['calibration', 'validation'].map((part) => [
      part,
      {
        arrays: join(root, `examples/digits/data/${part}.npy`),
        preprocess: { scale: 16 },
        ...(part === 'validation'
          ? { labels: join(root, 'examples/digits/data/validation-labels.npy') }
          : {}),
      },
    ]),
  ),
  quantization: { subset_size: 60, ...quantization },
  ...(accuracy === undefined ? {} : { accuracy_control: accuracy }),
});
const advanced = (advanced_parameters) => ({ advanced_parameters });
const shared = (path) => join(resolve(values.data), path);
const coarse = { weights_quantization_params: { num_bits: 4, per_channel: false }, overflow_fix: 'disable' };
const imagenet = {
  resize: 256,
  center_crop: 224,
  color: 'rgb',
  scale: 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
const real = (model, calibration, quantization = {}) => ({
  model: shared(`models/${model}`),
  data: { calibration },
  quantization: { subset_size: 10, ...quantization },
});
const images = (preprocess) => ({ images: shared('datasets/imagenet/calibration'), preprocess });
const cifar = (preprocess) => ({ arrays: shared('datasets/cifar10/calibration_x.npy'), preprocess });

/** Each a config; those that need the data folder are left out, and said to be, where it is missing. */
const CASES = {
  'digits default': digits({}),
  'digits mixed, all half range': digits({ preset: 'mixed', ...advanced({ overflow_fix: 'enable' }) }),
  'digits openvino': digits(advanced({ backend_params: { runtime: 'openvino' } })),
  'digits quantile': digits(
    advanced({ activations_range_estimator_params: 'mean_quantile', inplace_statistics: false }),
  ),
  'digits histogram': digits(advanced({ activations_range_estimator_params: 'histogram' })),
  'digits auto for AVX2': digits(advanced({ overflow_fix: 'auto', backend_params: { target_isa: 'avx2' } })),
  'digits no correction': digits(advanced({ disable_bias_correction: true, quantize_outputs: true })),
  'digits accurate correction': digits({ fast_bias_correction: false }),
  'digits alignment': digits(advanced({ disable_channel_alignment: false })),
  'digits transformer': digits({ model_type: 'transformer' }),
  'digits 16 bits': digits(advanced({ activations_quantization_params: { num_bits: 16 } })),
  'digits ignored': digits({ ignored_scope: { types: ['Gemm'] } }),
  'digits restored': digits(advanced(coarse), { metric: 'top1', max_drop: 0.01 }),
  'digits restored by output error': digits(advanced(coarse), { metric: 'sqnr', max_drop: 3 }),
  'digits tuned': digits(advanced(coarse), {
    metric: 'top1',
    max_drop: 0.01,
    advanced_accuracy_restorer_params: { tune_hyperparams: true, convert_to_mixed_preset: true },
  }),
  'mobilenetv2, mixed preset': real('imagenet/mobilenetv2.onnx', images(imagenet), { preset: 'mixed' }),
  squeezenet: real('imagenet/squeezenet1.1.onnx', images(imagenet)),
  'resnet8 openvino': real(
    'cifar10/mlperf_tiny_resnet8_bn.onnx',
    cifar({}),
    advanced({ backend_params: { runtime: 'openvino' } }),
  ),
  resnet8: real('cifar10/mlperf_tiny_resnet8_bn.onnx', cifar({}), {
    preset: 'mixed',
    ...advanced({ overflow_fix: 'auto', backend_params: { target_isa: 'avx2' } }),
  }),
  vit: real('cifar10/vit_ibp_3_3_8.onnx', cifar({ scale: 255 }), { model_type: 'transformer' }),
  'vit as it is': real('cifar10/vit_ibp_3_3_8.onnx', cifar({ scale: 255 })),
  ultraface: real('detection/ultraface_rfb320.onnx', images({ resize: [240, 320], scale: 128 })),
  yolox: real('detection/yolox_nano.onnx', images({ resize: [416, 416] })),
  'mnist, initializers among the inputs': real('mnist/mnist-8.onnx', {
    arrays: shared('datasets/mnist/calibration_x.npy'),
    preprocess: { layout: 'nchw' },
  }),
};

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-behaviour-'));
let [different, skipped] = [0, 0];
try {
  for (const [name, config] of Object.entries(CASES)) {
    if (values.only !== undefined && !name.includes(values.only)) continue;
    if (!existsSync(config.model)) {
      skipped++;
      console.log(`skipped    ${name}: there is no ${config.model}`);
      continue;
    }

    const [first, second] = [run(before, name, config), run(after, name, config)];
    const changes = [
      ...(first.model === second.model ? [] : ['the model']),
      ...differences(first.report, second.report),
    ];
    if (changes.length > 0) different++;
    const said = changes.length === 0 ? 'same      ' : 'DIFFERENT ';
    console.log(`${said} ${name}${changes.length === 0 ? '' : `: ${changes.slice(0, 8).join(', ')}`}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

console.log(`${different} different, ${skipped} skipped`);
process.exitCode = different === 0 ? 0 : 1;

/** Runs one build on a config; without a cache, so that both compute everything. */
function run(cli, name, config) {
  const place = join(folder, name.replaceAll(/\W+/g, '-'));
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  const path = join(place, 'test.quant.json');
  writeFileSync(path, JSON.stringify({ ...config, output: 'test.int8.onnx' }));
  const env = { ...process.env, QUANTSMITH_CACHE: join(place, 'cache') };
  const outcome = attempt(() =>
    execFileSync(process.execPath, [cli, 'run', path], { env, stdio: 'pipe', encoding: 'utf8' }),
  );
  const output = join(place, 'test.int8.onnx');
  if (!existsSync(output)) return { model: `nothing written: ${outcome}`, report: {} };
  const report = JSON.parse(readFileSync(`${output}.report.json`, 'utf8'));
  return { model: createHash('sha256').update(readFileSync(output)).digest('hex'), report: flat(report) };
}

function attempt(body) {
  try {
    return body();
  } catch (error) {
    return `${error.stdout}${error.stderr}`;
  }
}

/** The leaves of a JSON value by their dotted paths. */
function flat(value, path = '') {
  if (typeof value !== 'object' || value === null) return { [path]: value };
  const entries = Object.entries(value).map(([key, inner]) =>
    flat(inner, path === '' ? key : `${path}.${key}`),
  );
  return Object.assign({}, ...entries);
}

function differences(first, second) {
  const paths = new Set([...Object.keys(first), ...Object.keys(second)]);
  return [...paths]
    .filter((path) => !VOLATILE.some((pattern) => pattern.test(path)))
    .filter((path) => first[path] !== second[path])
    .map((path) => `${path} (${first[path]} → ${second[path]})`);
}
