import type { LabelKind } from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { judgeLabels, type LabelSubject } from '../src/index.js';

const NAMES = ['cat/a.png', 'dog/b.png'];
const COCO = JSON.stringify({
  images: [{ id: 1, file_name: 'cat/a.png', width: 4, height: 4 }],
  annotations: [{ image_id: 1, category_id: 1, bbox: [0, 0, 2, 2] }],
  categories: [{ id: 1, name: 'cat' }],
});

/** What metrics read these labels, by what each kind of metric says at its first sample. */
const SOURCES: readonly [string, LabelSubject['labels'], readonly LabelKind[]][] = [
  ['class folders', null, ['class', 'score', 'text']],
  ['a table of classes', { name: 'l.csv', text: 'cat/a.png,0\ndog/b.png,1\n' }, ['class', 'score', 'text']],
  ['a table of texts', { name: 't.tsv', text: 'cat/a.png\thello\ndog/b.png\tyou\n' }, ['text']],
  ['boxes by COCO', { name: 'coco.json', text: COCO }, ['boxes']],
  ['boxes by YOLO', { name: 'boxes', files: ['cat/a.txt', 'dog/b.txt'] }, ['boxes']],
  ['masks', { name: 'masks', files: ['cat/a.png', 'dog/b.png'] }, ['mask', 'tokens']],
];
const KINDS: readonly LabelKind[] = ['class', 'boxes', 'mask', 'tokens', 'text', 'score'];

describe.each(SOURCES)('%s', (_, labels, fitting) => {
  it.each(KINDS)('serve a metric that needs %s, or are said not to', (kind) => {
    const { problem } = judgeLabels({ names: NAMES, classes: null, kind, labels });
    if (fitting.includes(kind)) expect(problem).toBeNull();
    else expect(problem).not.toBeNull();
  });
});
