import { isModulePath, NAMED_PATHS, type ConfigPath } from '@quantsmith/schemas';
import { resolve } from 'node:path';
import { isMapping } from '../extends/merge.js';

/** Keys whose value is a path that a run reads. */
const READ_PATHS: readonly ConfigPath[] = NAMED_PATHS.filter(
  ({ use }) => use === 'read' || use === 'module',
).map(({ path }) => path);
const ALL_PATHS: readonly ConfigPath[] = NAMED_PATHS.map(({ path }) => path);

const isKey = (path: ConfigPath) => (key: ConfigPath) => key.join('.') === path.join('.');

/** Whether what stands at a path of a config is the path of a file or folder. */
export const isNamedPath = (path: ConfigPath): boolean => ALL_PATHS.some(isKey(path));

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
    if (path.at(-1) === 'metric' && !isModulePath(written)) return [];

    return [{ path, written, file: resolve(baseDir, written) }];
  });
}

/** All paths that a config names, those that it does not read too. */
export function allNamedPaths(value: unknown, baseDir: string): NamedPath[] {
  return namedPaths(value, baseDir, ALL_PATHS);
}
