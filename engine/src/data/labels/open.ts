import { opendir, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { readArrayFile } from '@quantsmith/model/arrays';
import { whyUnreadable } from '@quantsmith/model/files';
import { type ConfigPath, fail, QuantsmithError } from '@quantsmith/schemas';
import { countEntries } from '../entryLimit.js';
import { readInputText } from '../input.js';
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
  if (path.endsWith('.npy')) return arrayLabels(input, readArrayFile(path, where.configPath));

  const { configPath } = where;
  const file = { path, what: 'The label file', code: 'labels-not-found', configPath };

  return tableLabels(input, await readInputText(file));
}

async function folderLabels(input: LabelInput): Promise<Labels> {
  const files = await filesBelow(input.path, input.where.configPath).catch((error: unknown) => {
    if (error instanceof QuantsmithError) throw error;
    return fail(
      'labels-not-found',
      `The folder of labels ${input.path} ${whyUnreadable(error)}.`,
      input.where,
    );
  });

  if (files.some((file) => file.endsWith('.txt'))) return yoloLabels(input, files);
  if (files.some((file) => /\.png$/i.test(file))) return maskLabels(input, files);

  return fail(
    'labels-not-found',
    `${input.path} holds neither YOLO text files (.txt) nor masks (.png).`,
    input.where,
  );
}

/** Everything below a folder, relative to it. */
async function filesBelow(folder: string, configPath: ConfigPath): Promise<string[]> {
  const counted = countEntries(folder, configPath);
  const files: string[] = [];
  for await (const entry of await opendir(folder, { recursive: true, bufferSize: 1024 })) {
    counted();
    files.push(relative(folder, join(entry.parentPath, entry.name)));
  }

  return files;
}

/** The names in a file of classes, one per line. */
export async function readClasses(classes: string, context: DataContext): Promise<string[]> {
  const path = resolve(context.baseDir, classes);
  const configPath = ['data', 'validation', 'classes'] as const;
  const file = { path, what: 'The list of classes', code: 'labels-not-found', configPath };

  return classNames(await readInputText(file));
}
