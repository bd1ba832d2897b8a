// Memory and time of a run over many images: MODEL=mobilenetv2.onnx node bench/memory.mjs [images] [distinct]. Prints what the run
// over many images takes beyond the run over ten, and what a run takes of a loader of 20,000 samples with `limit: 3`. Needs a build
// (npm run build); makes its images (about 2 MB each; `distinct` of them, linked to all names) and its loader itself, and removes them.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';

const [images = 5000, distinct = 200] = process.argv.slice(2).map(Number);
/** Of noise, as which a PNG has 2 MB. */
const [WIDTH, HEIGHT] = [816, 816];
const MODEL = process.env.MODEL;
if (MODEL === undefined) throw new Error('MODEL names a model that takes [1, 3, 224, 224] images.');
const dir = mkdtempSync(join(tmpdir(), 'quantsmith-memory-'));
const PREPROCESS = '{resize: 256, center_crop: 224, normalize: imagenet}';

try {
  copyFileSync(MODEL, join(dir, 'm.onnx'));
  const files = await makeImages();
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0) / files.length;
  const peaks = [];
  for (const count of [10, images]) {
    const folder = `images${count}`;
    mkdirSync(join(dir, folder));
    for (let index = 0; index < count; index++)
      linkSync(files[index % files.length], join(dir, folder, `${index}.png`));
    const section = `{images: ./${folder}, preprocess: ${PREPROCESS}}`;
    const { peak, seconds } = run(`c${count}`, section, section);
    peaks.push(peak);
    console.log(
      `${count} images of ${(bytes / 1e6).toFixed(2)} MB (${WIDTH} × ${HEIGHT}): peak ${(peak / 1e6).toFixed(0)} MB, ${seconds.toFixed(1)} s, load ${loadavg()[0].toFixed(0)}`,
    );
  }

  console.log(`beyond the model's own: ${((peaks[1] - peaks[0]) / 1e6).toFixed(0)} MB`);
  writeFileSync(
    join(dir, 'loader.mjs'),
    `import { appendFileSync } from 'node:fs';
export default function* ({ resolve, inputs }) {
  for (let i = 0; i < 20000; i++) {
    appendFileSync(resolve('asked.txt'), '.');
    yield { [inputs[0].name]: { dims: [1, 3, 224, 224], data: new Float32Array(150528).fill(i / 20000) } };
  }
}
`,
  );
  const { seconds } = run('loader', '{loader: ./loader.mjs, limit: 3}', '{loader: ./loader.mjs, limit: 5}');
  const asked = readFileSync(join(dir, 'asked.txt')).length;
  console.log(`a loader of 20,000 samples, limits 3 and 5: ${asked} samples made, ${seconds.toFixed(1)} s`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function makeImages() {
  const files = [];
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 };
  for (let index = 0; index < Math.min(distinct, images); index++) {
    const file = join(dir, `${index}.png`);
    await sharp(randomBytes(WIDTH * HEIGHT * 3), { raw })
      .png({ compressionLevel: 0 })
      .toFile(file);
    files.push(file);
  }

  return files;
}

function run(name, calibration, validation) {
  const config = join(dir, `${name}.quant.yaml`);
  writeFileSync(
    config,
    `model: m.onnx\ndata: {calibration: ${calibration}, validation: ${validation}}\nquantization: {defaults: nncf}\naccuracy_control: {metric: cosine, target: 0.5}\n`,
  );
  const start = performance.now();
  const args = ['dist/cli.cjs', 'run', config, '--force', '--no-cache', '--allow-modules'];
  execFileSync(process.execPath, args, { stdio: 'ignore' });
  const seconds = (performance.now() - start) / 1000;
  const report = JSON.parse(readFileSync(config.replace('.quant.yaml', '.int8.onnx.report.json'), 'utf8'));
  return { peak: report.peak_rss_bytes, seconds };
}
