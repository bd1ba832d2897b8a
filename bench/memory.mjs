// Memory and time of a run over many images: node bench/memory.mjs [images] [side]. Prints what the run over many images takes
// beyond the run over ten. Needs a build (npm run build); makes its images and its model itself, and removes them.
import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';

const [images = 5000, side = 800] = process.argv.slice(2).map(Number);
const MODEL = process.env.MODEL;
if (MODEL === undefined) throw new Error('MODEL names a model that takes [1, 3, 224, 224] images.');
const dir = mkdtempSync(join(tmpdir(), 'quantsmith-memory-'));
try {
  const noise = Buffer.from(Uint8Array.from({ length: side * side * 3 }, () => Math.random() * 256));
  const raw = { width: side, height: side, channels: 3 };
  const image = join(dir, 'image.jpg');
  await sharp(noise, { raw }).jpeg({ quality: 90 }).toFile(image);
  copyFileSync(MODEL, join(dir, 'm.onnx'));
  const peaks = [];
  for (const count of [10, images]) {
    mkdirSync(join(dir, `images${count}`));
    for (let index = 0; index < count; index++) linkSync(image, join(dir, `images${count}`, `${index}.jpg`));
    const preprocess = '{resize: 256, center_crop: 224, normalize: imagenet}';
    const section = `{images: ./images${count}, preprocess: ${preprocess}}`;
    const config = join(dir, `c${count}.quant.yaml`);
    writeFileSync(
      config,
      `model: m.onnx\ndata: {calibration: ${section}, validation: ${section}}\nquantization: {defaults: nncf}\naccuracy_control: {metric: cosine, target: 0.5}\n`,
    );
    const start = performance.now();
    execFileSync(process.execPath, ['dist/cli.cjs', 'run', config, '--force', '--no-cache'], {
      stdio: 'ignore',
    });
    const seconds = (performance.now() - start) / 1000;
    const report = JSON.parse(readFileSync(config.replace('.quant.yaml', '.int8.onnx.report.json'), 'utf8'));
    peaks.push(report.peak_rss_bytes);
    const megabytes = (report.peak_rss_bytes / 1e6).toFixed(0);
    console.log(
      `${count} images of ${(readFileSync(image).length / 1e6).toFixed(2)} MB: peak ${megabytes} MB, ${seconds.toFixed(1)} s`,
    );
  }

  console.log(`beyond the model's own: ${((peaks[1] - peaks[0]) / 1e6).toFixed(0)} MB`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
