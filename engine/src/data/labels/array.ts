import { fail } from '@quantsmith/schemas';
import type { RowArray } from '@quantsmith/model/arrays';
import type { Label } from './label.js';
import { listedLabels, type Labels, type LabelInput } from './labels.js';

/** A .npy whose first axis is the samples: one number each, or an array (a mask, tokens). */
export function arrayLabels({ path, names, kind, where }: LabelInput, array: RowArray): Labels {
  const count = names.length;
  if (array.shape[0] !== count)
    fail('labels-count', `${path} holds ${array.shape[0]} labels for ${count} samples.`, where);
  const dims = array.shape.slice(1);
  const single = dims.every((size) => size === 1);
  if (!single && kind === 'class')
    fail('labels-count', `${path} holds more than one number per sample.`, where);
  const labels = names.map((_, index): Label => {
    const data = array.rows(index, index + 1);
    if (!single) return { dims, data: data };
    const value = Number(data[0]);
    const isClass = Number.isInteger(value) && value >= 0;
    if (kind === 'class' && !isClass)
      fail('label-invalid', `${path}, entry ${index}: "${value}" is not a class number.`, where);
    return value;
  });

  return listedLabels(labels);
}
