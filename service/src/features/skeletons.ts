import type { ModelSummary } from '@quantsmith/schemas';
import { resolve } from 'node:path';
import type { FolderEntry } from '../facts/facts.js';
import { audioDraft, preprocessText, shapesDraft } from '@quantsmith/model/tasks';
import type { Written } from '../document/edit.js';
import { CALIBRATION, IMAGE, LABELS, VALIDATION } from './fileNames.js';

const MAX_SKELETONS = 8;

type Listings = ReadonlyMap<string, readonly FolderEntry[]>;

/** Whether sections are offered at a path that fit the files near the config. */
export const hasSkeletons = (path: readonly unknown[]) =>
  path.length === 0 || (path.length === 1 && path[0] === 'data');

/** Keys of data sections that files near the config are offered for. */
const NEAR = ['images', 'arrays', 'tensors', 'labels'];

export const hasNearFiles = (path: readonly unknown[]) =>
  path.length === 3 && path[0] === 'data' && NEAR.includes(String(path[2]));

/** A section that fits existing files, or the model. */
export interface Skeleton {
  readonly key:
    'data' | 'calibration' | 'validation' | 'preprocess' | 'task' | 'frames' | 'states' | 'constants';
  /** What it reads: `images ./train`. */
  readonly label: string;
  readonly value: Written;
}

interface Source {
  readonly kind: 'images' | 'arrays' | 'tensors';
  readonly path: string;
}

/** Files near the config that fit a key of a data section, as they are written, the most probable first. `written`: the section. */
export function nearFiles(
  path: readonly unknown[],
  baseDir: string,
  listings: Listings,
  written: Readonly<Record<string, unknown>>,
): string[] {
  if (!hasNearFiles(path)) return [];
  const [, section, key] = path;
  const files = filesNear(baseDir, listings);
  const options = sources(files);
  if (key === 'labels') {
    const source = options.find(({ kind, path: place }) => samePath(written[kind], place));
    const labels = source === undefined ? null : labelsFor(source, files);
    return labels === null ? [] : [labels];
  }

  const isWanted = section === 'validation' ? VALIDATION : CALIBRATION;
  const fitting = options.filter(({ kind }) => kind === key).map(({ path: place }) => place);
  return [...fitting.filter((place) => isWanted.test(place)), ...fitting.filter((p) => !isWanted.test(p))];
}

/** Whether a written path is one found near the config, as far as `./` and a slash at its end go. */
const samePath = (written: unknown, place: string) =>
  typeof written === 'string' &&
  written.replace(/^\.\//, '').replace(/\/$/, '') === place.replace(/^\.\//, '');

/** What the model says of itself: how images or audio become its inputs, and what it does. `source`: the key of the section's source. */
export function modelSkeletons(
  path: readonly unknown[],
  model: ModelSummary | null,
  source: string | undefined,
): Skeleton[] {
  if (model === null) return [];
  const { task, preprocess } = shapesDraft(model);
  if (path.length === 0 && Object.keys(task).length > 0)
    return [{ key: 'task', label: Object.values(task).join(', '), value: { ...task } }];

  const isSection = path.length === 2 && path[0] === 'data';
  if (isSection && source === 'audio') return audioSkeletons(model);
  if (!isSection || preprocess === null) return [];
  return [{ key: 'preprocess', label: preprocessText(preprocess), value: { ...preprocess } }];
}

function audioSkeletons(model: ModelSummary): Skeleton[] {
  const settings = audioDraft(model)?.settings;
  return (['frames', 'states', 'constants'] as const).flatMap((key) => {
    const value = Object.entries(settings?.[key] ?? {});
    const label = value.map(([name, setting]) => `${name}: ${setting}`).join(', ');
    return value.length === 0 ? [] : [{ key, label, value: Object.fromEntries(value) }];
  });
}

/** Skeletons for the whole data section (`path` is empty) or for the sections in it. */
export function skeletons(
  path: readonly unknown[],
  baseDir: string,
  listings: Listings,
  model: ModelSummary | null,
): Skeleton[] {
  if (!hasSkeletons(path)) return [];
  const files = filesNear(baseDir, listings);
  const options = sources(files);
  const preprocess = preprocessFor(model);
  const section = (source: Source, validation: boolean): Record<string, Written> => {
    const label = validation ? labelsFor(source, files) : null;
    return {
      [source.kind]: source.path,
      ...(label === null ? {} : { labels: label }),
      ...(source.kind === 'images' ? preprocess : {}),
    };
  };

  const fitting = (wanted: RegExp, other: RegExp) =>
    [...options]
      .map((source) => ({ source, rank: wanted.test(source.path) ? 0 : other.test(source.path) ? 2 : 1 }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ source }) => source)
      .slice(0, MAX_SKELETONS);

  const calibration = fitting(CALIBRATION, VALIDATION);
  const validation = fitting(VALIDATION, CALIBRATION);
  const describe = ({ kind, path: place }: Source) => `${kind} ${place}`;
  if (path.length === 1)
    return [
      ...calibration.map((source) => ({
        key: 'calibration' as const,
        label: describe(source),
        value: section(source, false),
      })),
      ...validation.map((source) => ({
        key: 'validation' as const,
        label: describe(source),
        value: section(source, true),
      })),
    ];
  const [first] = calibration;
  if (first === undefined) return [];
  const second = validation.find((source) => VALIDATION.test(source.path) && source !== first);
  const whole = {
    calibration: section(first, false),
    ...(second === undefined ? {} : { validation: section(second, true) }),
  };

  const label = [first, ...(second === undefined ? [] : [second])].map(describe).join(', ');

  return [{ key: 'data', label, value: whole }];
}

/** Data beside a config that a section may read, and what belongs to it. */
export interface SourceNear extends Source {
  /** Images in the folder itself; null: it is no such folder. */
  readonly count: number | null;
  /** For validation: where the labels lie. */
  readonly labels: string | null;
}

/** The data beside a config that fits a section, what its name says first. */
export function sourcesNear(
  section: 'calibration' | 'validation',
  baseDir: string,
  listings: Listings,
): SourceNear[] {
  const files = filesNear(baseDir, listings);
  const isWanted = section === 'validation' ? VALIDATION : CALIBRATION;
  const all = sources(files).map((source) => {
    const inside = files.find(({ path }) => path === source.path)?.inside ?? [];
    const images = inside.filter(({ kind, name }) => kind !== 'folder' && IMAGE.test(name)).length;
    const labels = section === 'validation' ? labelsFor(source, files) : null;
    return { ...source, count: source.kind === 'images' && images > 0 ? images : null, labels };
  });

  return [
    ...all.filter(({ path }) => isWanted.test(path)),
    ...all.filter(({ path }) => !isWanted.test(path)),
  ];
}

interface Near {
  readonly path: string;
  readonly entry: FolderEntry;
  /** What lies in it, for folders. */
  readonly inside: readonly FolderEntry[];
}

/** What lies beside the config and in its folder `data`. */
function filesNear(baseDir: string, listings: Listings): Near[] {
  return ['', 'data/'].flatMap((folder) =>
    (listings.get(resolve(baseDir, folder)) ?? [])
      .filter((entry) => entry.name !== 'node_modules')
      .map((entry) => ({
        path: `./${folder}${entry.name}`,
        entry,
        inside: listings.get(resolve(baseDir, folder, entry.name)) ?? [],
      })),
  );
}

function sources(files: readonly Near[]): Source[] {
  return files.flatMap(({ path, entry, inside }): Source[] => {
    if (/\.np[yz]$/i.test(entry.name) && !LABELS.test(entry.name)) return [{ kind: 'arrays', path }];
    if (inside.some((item) => /^test_data_set_\d+$/.test(item.name))) return [{ kind: 'tensors', path }];
    const images = inside.some((item) => item.kind !== 'folder' && IMAGE.test(item.name));
    // Folders of a folder with such a name are the classes.
    const classes =
      /images|train|val|calib/i.test(entry.name) &&
      inside.length > 0 &&
      inside.every((item) => item.kind === 'folder');

    return images || classes ? [{ kind: 'images', path }] : [];
  });
}

/** The labels of a source: a table in or beside its folder, or an array whose name has most in common. */
function labelsFor({ kind, path }: Source, files: readonly Near[]): string | null {
  if (kind === 'images') {
    const inside = files.find((near) => near.path === path)?.inside ?? [];
    const csvFile = inside.find((item) => /\.csv$/i.test(item.name));
    if (csvFile !== undefined) return `${path}/${csvFile.name}`;
    return files.find(({ entry }) => /\.csv$/i.test(entry.name) && LABELS.test(entry.name))?.path ?? null;
  }

  const arrays = files.filter(({ entry }) => /\.npy$/i.test(entry.name) && LABELS.test(entry.name));
  const common = ({ path: other }: Near) => commonStart(path, other);

  return arrays.sort((a, b) => common(b) - common(a))[0]?.path ?? null;
}

/** How many letters two texts begin with in common. */
function commonStart(text: string, other: string): number {
  let count = 0;
  while (count < text.length && text[count] === other[count]) count++;
  return count;
}

/** What images of the model most probably need. */
function preprocessFor(model: ModelSummary | null): Record<string, Written> {
  const preprocess = model === null ? null : shapesDraft(model).preprocess;
  return preprocess === null ? {} : { preprocess: { ...preprocess } };
}
