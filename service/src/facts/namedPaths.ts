import { DATA_KIND_NAMES, DATA_SECTIONS, type ConfigPath } from '@quantsmith/schemas';
import { resolve } from 'node:path';
import { isMapping } from '../extends/merge.js';

/** Keys whose value is a path that a run reads. */
const READ_PATHS: readonly ConfigPath[] = [
  ['model'],
  ...DATA_SECTIONS.flatMap((section) => DATA_KIND_NAMES.map((kind) => ['data', section, kind] as const)),
  ['data', 'validation', 'labels'],
  ['data', 'validation', 'classes'],
  ['task', 'alphabet'],
  ['accuracy_control', 'metric'],
];

/** Keys whose value is a path that a run does not read. */
const OTHER_PATHS: readonly ConfigPath[] = [['output'], ['extends'], ['$schema']];

const MODULE = /\.[cm]?[jt]s$/;

/** Keys whose value is the path of a file or folder. */
export const NAMED_PATHS: readonly ConfigPath[] = [...READ_PATHS, ...OTHER_PATHS];

const isKey = (path: ConfigPath) => (key: ConfigPath) => key.join('.') === path.join('.');

/** Whether what stands at a path of a config is the path of a file or folder. */
export const isNamedPath = (path: ConfigPath): boolean => NAMED_PATHS.some(isKey(path));

/** A path that a config names. */
export interface NamedPath {
  readonly path: ConfigPath;
  readonly written: string;
  /** Absolute. */
  readonly file: string;
}

/** The paths that a config's value names under some keys. `baseDir`: the config's folder. */
export function namedPaths(value: unknown, baseDir: string, keys = READ_PATHS): NamedPath[] {
  return keys.flatMap((path) => {
    const written = path.reduce<unknown>(
      (current, step) => (isMapping(current) && Object.hasOwn(current, step) ? current[step] : undefined),
      value,
    );

    if (typeof written !== 'string' || written === '') return [];
    // A metric is a name or a module.
    if (path.at(-1) === 'metric' && !MODULE.test(written)) return [];

    return [{ path, written, file: resolve(baseDir, written) }];
  });
}

/** All paths that a config names, those that it does not read too. */
export function allNamedPaths(value: unknown, baseDir: string): NamedPath[] {
  return namedPaths(value, baseDir, NAMED_PATHS);
}
