import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkConfigFile } from '../src/check/check.js';
import { arrayHeader, memberNames } from '../src/sources/arrays.js';
import { countImages, countSets } from '../src/sources/folders.js';
import { DIGITS } from '../../test/kit/digits.js';

let folder: string;
const write = (name: string, text = '') => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantsmith-samples-'));
  for (const name of ['a/1.jpg', 'a/2.png', 'a/b/3.webp', 'a/x.csv', 't/test_data_set_0/i', 't/other/i'])
    write(name);
  write('broken.npy', 'no array');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('samples are counted where that is possible without running anything', async () => {
  const { signal } = new AbortController();
  expect(await countImages(join(folder, 'a'), signal)).toBe(3);
  expect(await countImages(join(folder, 'a/1.jpg'), signal)).toBe(1);
  expect(await countImages(join(folder, 'none'), signal)).toBeNull();
  expect(await countSets(join(folder, 't'))).toBe(1);
  expect(await countSets(join(folder, 'none'))).toBeNull();
  const header = await arrayHeader(join(DIGITS, 'data/calibration.npy'));
  expect(header?.shape[0]).toBe(300);
  expect(await arrayHeader(join(folder, 'broken.npy'))).toBeNull();
});

it('links among images are followed, each folder once', async () => {
  symlinkSync(join(folder, 'a'), join(folder, 'a/b/again'));
  symlinkSync(join(folder, 'a/1.jpg'), join(folder, 'a/linked.jpg'));
  symlinkSync(join(folder, 'nowhere'), join(folder, 'a/dangling.jpg'));
  const { signal } = new AbortController();
  expect(await countImages(join(folder, 'a'), signal)).toBe(4);
});

it('the arrays of a .npz are known by their names, without being read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantsmith-npz-'));
  try {
    const file = join(folder, 'a.npz');
    const bytes = new Uint8Array(1000);
    writeFileSync(
      file,
      zipSync({ 'image.npy': bytes, 'état.npy': [bytes, { level: 0 }], 'note.txt': bytes }),
    );
    expect(await memberNames(file)).toEqual(['image', 'état']);
    for (const wrong of [new Uint8Array(0), bytes, new Uint8Array(readFileSync(file).subarray(0, -30))]) {
      writeFileSync(file, wrong);
      expect(await memberNames(file)).toBeNull();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('what asks for more than there is, or has too little, is told', async () => {
  const file = write(
    'x.quant.yaml',
    `model: ${DIGITS}digits.onnx
data:
  calibration: {arrays: ${DIGITS}data/calibration.npy, limit: 4}
  validation: {arrays: ${DIGITS}data/validation.npy, labels: ${DIGITS}data/validation-labels.npy}
quantization:
  subset_size: 100
  advanced_parameters:
    activations_range_estimator_params: {min: {aggregator_type: mean_no_outliers}, max: {aggregator_type: mean_no_outliers}}
accuracy_control:
  metric: ./none.mjs
  advanced_accuracy_restorer_params: {ranking_subset_size: 1000}
`,
  );
  const { findings, text } = await checkConfigFile(file);
  expect(findings.map(({ code, start, end }) => `${code} ${text.slice(start, end)}`)).toEqual([
    'sample-count 100',
    'sample-count mean_no_outliers',
    'sample-count mean_no_outliers',
    'file-missing ./none.mjs',
    'sample-count 1000',
  ]);
});
