import { describe, expect, it } from 'vitest';
import { roleIn } from '../src/near/names.js';

describe('what a path says that data are for', () => {
  it.each([
    ['trainset/images', 'calibration'],
    ['pics_for_calib', 'calibration'],
    ['train2017', 'calibration'],
    ['data/calibration.npy', 'calibration'],
    ['testset/images', 'validation'],
    ['holdout', 'validation'],
    ['coco/val2017', 'validation'],
    ['train/val', 'validation'],
    ['evaluation-data', 'validation'],
    ['images', null],
    ['caltech', null],
    ['valley', null],
    ['contest', null],
  ])('%s: %s', (path, role) => {
    expect(roleIn(path)).toBe(role);
  });
});
