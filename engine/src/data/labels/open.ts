import { readFile, readdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fail } from '@quantsmith/schemas';
import type { DataContext } from '../types.js';
import { arrayLabels } from './array.js';
import { classNames } from './classFolders.js';
import { tableLabels } from './judge.js';
import type { LabelInput, Labels } from './labels.js';
import { maskLabels } from './masks.js';
import { yoloLabels } from './yolo.js';

/**
 * Labels from a file or a folder: .csv, .npy, .tsv, .jsonl, COCO .json, YOLO text files, or class masks. Throws
 * `labels-not-found`, `labels-count`, `label-invalid`, `label-unknown-file`, `label-missing`.
 */
export async function openLabels(
  labels: string,
  names: readonly string[],
  classes: readonly string[] | null,
  context: DataContext,
): Promise<Labels> {
  const path = resolve(context.baseDir, labels);
  const where = { file: path, configPath: ['data', 'validation', 'labels'] as const };
  const input = { path, names, classes, kind: context.labelKind ?? null, where };
  const info = await stat(path).catch(() =>
    fail('labels-not-found', `The label file ${path} does not exist.`, where),
  );

  if (info.isDirectory()) return folderLabels(input);
  if (path.endsWith('.npy')) return arrayLabels(input);

  return tableLabels(input, await readFile(path, 'utf8'));
}

async function folderLabels(input: LabelInput): Promise<Labels> {
  const files = await readdir(input.path, { recursive: true });
  if (files.some((file) => file.endsWith('.txt'))) return yoloLabels(input, files);
  if (files.some((file) => /\.png$/i.test(file))) return maskLabels(input, files);

  return fail(
    'labels-not-found',
    `${input.path} holds neither YOLO text files (.txt) nor masks (.png).`,
    input.where,
  );
}

/** The names in a file of classes, one per line. */
export async function readClasses(classes: string, context: DataContext): Promise<string[]> {
  const path = resolve(context.baseDir, classes);
  const text = await readFile(path, 'utf8').catch(() =>
    fail('labels-not-found', `The list of classes ${path} does not exist.`, {
      file: path,
      configPath: ['data', 'validation', 'classes'],
    }),
  );

  return classNames(text);
}
