// The README's first command: sets up, quantizes the example and says in five lines what came of it.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const config = 'examples/resnet/resnet.quant.yaml';
process.stderr.write(`Quantizing ${config} …\n`);
const { status, stdout, signal } = spawnSync(
  process.execPath,
  ['dist/cli.cjs', 'run', config, '--json', '--quiet'],
  { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 2 ** 28 },
);
if (status !== 0) {
  process.stderr.write(signal === null ? '' : `Ended by ${signal}.\n`);
  process.exit(status ?? 1);
}

const { metric, size, latency_ms: latency, timings_ms: timings, output } = JSON.parse(stdout);
const percent = (value) => `${(100 * value).toFixed(2)} %`;
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
const milliseconds = (value) => `${value.toFixed(2)} ms`;
console.log(`
  accuracy  ${percent(metric.baseline)} → ${percent(metric.quantized)} on ${metric.samples} images that were not trained on
  size      ${megabytes(size.float_bytes)} → ${megabytes(size.quantized_bytes)}, ${size.ratio.toFixed(1)} times smaller
  latency   ${milliseconds(latency.float_median)} → ${milliseconds(latency.quantized_median)}, ${latency.speedup.toFixed(1)} times as fast on this CPU
  took      ${(timings.total / 1000).toFixed(1)} s
  model     ${join(dirname(config), output.path)}

next: npx quantsmith init your-model.onnx
also: npx quantsmith run examples/digits/digits.quant.yaml   4-bit weights, accuracy restored layer by layer`);
