import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkConfigFile } from '../src/check/check.js';
import { archiveFacts, arrayFacts } from '../src/sources/arrays.js';
import { listImages } from '../src/sources/folders.js';
import { readTensorFolder } from '../src/sources/tensors.js';
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
  expect(await listImages(join(folder, 'a'), signal)).toEqual({
    count: 3,
    names: ['1.jpg', '2.png', 'b/3.webp'],
  });
  expect(await listImages(join(folder, 'a/1.jpg'), signal)).toEqual({ count: 1, names: ['1.jpg'] });
  expect(await listImages(join(folder, 'none'), signal)).toBeNull();
  expect(await readTensorFolder(join(folder, 't'))).toMatchObject({ names: [], problem: null });
  expect(await readTensorFolder(join(folder, 'none'))).toBeNull();
  expect(await arrayFacts(join(DIGITS, 'data/calibration.npy'))).toMatchObject({ shape: [300, 8, 8] });
  expect(await arrayFacts(join(folder, 'broken.npy'))).toEqual({
    problem: 'it does not begin like a file that numpy.save writes',
  });
});

it('links among images are followed, each folder once', async () => {
  symlinkSync(join(folder, 'a'), join(folder, 'a/b/again'));
  symlinkSync(join(folder, 'a/1.jpg'), join(folder, 'a/linked.jpg'));
  symlinkSync(join(folder, 'nowhere'), join(folder, 'a/dangling.jpg'));
  const { signal } = new AbortController();
  // A run follows no links: what it will read is not known.
  expect(await listImages(join(folder, 'a'), signal)).toEqual({ count: 4, names: null });
});

it('the arrays of a .npz are known by their names and headers, without being read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantsmith-npz-'));
  try {
    const file = join(folder, 'a.npz');
    const bytes = new Uint8Array(readFileSync(join(DIGITS, 'data/calibration.npy')));
    writeFileSync(
      file,
      zipSync({ 'image.npy': bytes, 'état.npy': [bytes, { level: 0 }], 'note.txt': new Uint8Array(9) }),
    );
    const header = { shape: [300, 8, 8], type: 'uint8' };
    expect(await archiveFacts(file)).toEqual({
      members: new Map([
        ['image', header],
        ['état', header],
      ]),
    });

    const whole = new Uint8Array(readFileSync(file));
    for (const wrong of [new Uint8Array(0), bytes, whole.subarray(0, -30)]) {
      writeFileSync(file, wrong);
      expect(await archiveFacts(file)).toEqual({ problem: 'it is not a ZIP archive' });
    }

    writeFileSync(file, zipSync({ 'image.npy': new Uint8Array(20) }));
    expect(await archiveFacts(file)).toEqual({
      problem: 'its array "image" cannot be read: it does not begin like a file that numpy.save writes',
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('what asks for more than there is, or has too little, is told', async () => {
  const file = write(
    'x.quant.yaml',
    `model: ${DIGITS}digits.onnx
data:
  calibration: {arrays: ${DIGITS}data/calibration.npy, limit: 4, preprocess: {}}
  validation: {arrays: ${DIGITS}data/validation.npy, labels: ${DIGITS}data/validation-labels.npy, preprocess: {}}
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
