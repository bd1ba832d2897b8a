import { basename } from 'node:path';

/** How files are called in a list: by the last part of their paths where it tells all of them apart, else by their paths. */
export function shortNames(paths: readonly string[]): (path: string) => string {
  const isUnique = new Set(paths.map((path) => basename(path))).size === paths.length;
  return (path) => (isUnique ? basename(path) : path);
}
