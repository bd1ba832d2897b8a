// A detector by a config alone: float, int8 and restoration under the fixed defaults, which need it. Needs a build, and
// DATA: a folder with models/detection/yolox_nano.onnx and datasets/coco. With PYTHON (a Python that has pycocotools) the
// detections of both models are judged by pycocotools too. Ends with 1 where the target is missed, more than 40 validations
// are taken, or pycocotools says otherwise.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundle } from './bundle.mjs';

const MAX_VALIDATIONS = 40;
const data = resolve(process.env.DATA ?? '../../shared/data');
const coco = join(data, 'datasets/coco');
const model = join(data, 'models/detection/yolox_nano.onnx');
const validation = [`${coco}/validation/images`, `${coco}/validation/labels`];
const preprocess = { letterbox: { size: 416, anchor: 'top_left' }, color: 'bgr' };
const dir = mkdtempSync(join(tmpdir(), 'quantsmith-detector-'));
const node = (...args) => spawnSync(process.execPath, args, { stdio: 'inherit' });
try {
  const config = join(dir, 'yolox.quant.yaml');
  writeFileSync(
    config,
    `model: ${model}
task: {type: detection, decode: yolox}
data:
  calibration:
    images: ${coco}/calibration/images
    preprocess: &preprocess {letterbox: {size: 416, anchor: top_left}, color: bgr}
  validation: {images: ${validation[0]}, labels: ${validation[1]}, preprocess: *preprocess}
quantization: {defaults: nncf, preset: performance}
accuracy_control: {metric: map, max_drop: 0.01}
`,
  );
  const start = performance.now();
  node('dist/cli.cjs', 'run', config, '--no-cache');
  const seconds = Math.round((performance.now() - start) / 1000);
  const output = join(dir, 'yolox.int8.onnx');
  const report = JSON.parse(readFileSync(`${output}.report.json`, 'utf8'));
  const { baseline, quantized_initial: initial, quantized, drop, ci95, satisfied } = report.metric;
  const { iterations, reverted } = report.restoration;
  const inFloat = reverted.length;
  console.log(
    JSON.stringify({ baseline, initial, quantized, drop, ci95, satisfied, iterations, inFloat, seconds }),
  );
  const agrees = process.env.PYTHON === undefined || (await judgedAlike(output));
  process.exitCode = satisfied && iterations <= MAX_VALIDATIONS && agrees ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/** Whether pycocotools gives the same figures for the same detections, of the float and of the quantized model. */
async function judgedAlike(output) {
  const script = await bundle('bench/detections.ts');
  const found = join(dir, 'detections');
  for (const [name, path] of Object.entries({ float: model, quantized: output })) {
    node(script, path, ...validation, JSON.stringify(preprocess), found, name);
  }

  const judge = ['bench/oracles/detections.py', found, 'float', 'quantized'];
  return spawnSync(process.env.PYTHON, judge, { stdio: 'inherit' }).status === 0;
}
