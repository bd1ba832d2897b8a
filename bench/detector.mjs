// A detector by a config alone: float, int8 and restoration under the fixed defaults, which need it. Needs a build, and
// DATA: a folder with models/detection/yolox_nano.onnx and datasets/coco. Ends with 1 where the target is missed, or takes more
// than 40 validations.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const MAX_VALIDATIONS = 40;
const data = resolve(process.env.DATA ?? '../../shared/data');
const coco = join(data, 'datasets/coco');
const dir = mkdtempSync(join(tmpdir(), 'quantsmith-detector-'));
try {
  const config = join(dir, 'yolox.quant.yaml');
  writeFileSync(
    config,
    `model: ${join(data, 'models/detection/yolox_nano.onnx')}
task: {type: detection, decode: yolox}
data:
  calibration:
    images: ${coco}/calibration/images
    preprocess: &preprocess {letterbox: {size: 416, anchor: top_left}, color: bgr}
  validation: {images: ${coco}/validation/images, labels: ${coco}/validation/labels, preprocess: *preprocess}
quantization: {defaults: nncf, preset: performance}
accuracy_control: {metric: map, max_drop: 0.01}
`,
  );
  const start = performance.now();
  spawnSync(process.execPath, ['dist/cli.cjs', 'run', config, '--no-cache'], { stdio: 'inherit' });
  const report = JSON.parse(readFileSync(join(dir, 'yolox.int8.onnx.report.json'), 'utf8'));
  const { baseline, quantized_initial: initial, quantized, drop, ci95, satisfied } = report.metric;
  const { iterations } = report.restoration;
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(JSON.stringify({ baseline, initial, quantized, drop, ci95, satisfied, iterations, seconds }));
  process.exitCode = satisfied && iterations <= MAX_VALIDATIONS ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
