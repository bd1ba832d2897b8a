import { isAbsolute, relative } from 'node:path';

/** A file as it is named from the current folder, where it lies below it; elsewhere its whole path. */
export function shownFile(file: string): string {
  const path = relative(process.cwd(), file);
  return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path;
}
