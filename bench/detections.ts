// What a detector finds, as pycocotools reads it: node .tools/bench/detections.mjs MODEL IMAGES LABELS PREPROCESS FOLDER NAME
// Writes NAME.json (detections with the value of `map`) and truths.json into FOLDER.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstIndices, openData, readAhead } from '../engine/src/data/source.js';
import { isBoxes } from '../engine/src/data/labels/label.js';
import { BUILT_IN } from '../engine/src/metrics/builtIn.js';
import { accumulate } from '../engine/src/metrics/evaluate.js';
import { runSample } from '../engine/src/runtime/batch.js';
import { createSession } from '../engine/src/runtime/session.js';
import { detect } from '../engine/src/tasks/detect.js';
import { openTask } from '../engine/src/tasks/task.js';

const [model = '', images = '', labels = '', preprocess = '{}', folder = '', name = ''] =
  process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const session = await createSession(model, { threads: 1 });
const section = { images, labels, preprocess: JSON.parse(preprocess) as object };
const { inputs, outputs } = session;
const source = await openData(section, {
  ...{ inputs, outputs, modelClasses: null, baseDir: process.cwd(), allowModules: false },
  configPath: ['data', 'validation'],
});
const task = await openTask({ type: 'detection', decode: 'yolox' }, process.cwd());
const metric = BUILT_IN.map;
const states = [];
const detections = [];
const truths = [];
for await (const sample of readAhead(source, firstIndices(source.count))) {
  const image = states.length + 1;
  const results = await runSample(session, sample);
  states.push(await accumulate(metric, results, sample, null, task));
  const context = { ...sample, image: sample.image ?? null };
  for (const { corners, class: category_id, score } of detect(results, task, context)) {
    const [left, top, right, bottom] = corners;
    detections.push({ image_id: image, category_id, score, bbox: [left, top, right - left, bottom - top] });
  }

  for (const { box, class: category_id, area, crowd } of isBoxes(sample.label) ? sample.label : []) {
    truths.push({ image_id: image, category_id, bbox: box, area, iscrowd: Number(crowd) });
  }
}

const value = metric.result(states);
writeFileSync(join(folder, `${name}.json`), JSON.stringify({ value, detections }));
writeFileSync(join(folder, 'truths.json'), JSON.stringify({ images: states.length, truths }));
console.log(`${name}: map ${value}, map50 ${BUILT_IN.map50.result(states)}`);
await session.release();
