import type { InitData, InitSource } from '@quantsmith/service';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const CALIBRATION = ['calibration', 'data/calibration', 'train', 'data/train', 'images', 'data'];
const VALIDATION = ['validation', 'data/validation', 'val', 'data/val', 'test', 'data/test'];

/** Data that lies under usual names in the folder of a config. */
export async function dataNear(dir: string): Promise<InitData> {
  const [calibration, validation] = await Promise.all([
    firstThere(dir, CALIBRATION),
    firstThere(dir, VALIDATION),
  ]);

  return {
    ...(calibration === null ? {} : { calibration: { images: `./${calibration}` } }),
    ...(validation === null ? {} : { validation: await labelled(validation, dir) }),
  };
}

/** With the labels of a folder: a labels.csv in it or beside it, or its subfolders. */
async function labelled(folder: string, dir: string): Promise<InitSource> {
  const images = `./${folder}`;
  const file = await firstThere(dir, [`${folder}/labels.csv`, 'labels.csv', 'data/labels.csv']);
  if (file !== null) return { images, labels: `./${file}` };
  const entries = await readdir(join(dir, folder), { withFileTypes: true }).catch(() => []);
  return { images, classFolders: entries.some((entry) => entry.isDirectory()) };
}

async function firstThere(dir: string, names: readonly string[]): Promise<string | null> {
  const isThere = await Promise.all(
    names.map((name) =>
      access(join(dir, name)).then(
        () => true,
        () => false,
      ),
    ),
  );

  return names[isThere.indexOf(true)] ?? null;
}
