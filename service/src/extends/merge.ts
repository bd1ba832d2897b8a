import { DATA_KIND_NAMES, DATA_SECTIONS, isModulePath } from '@quantsmith/schemas';
import { isAbsolute, relative, resolve } from 'node:path';

type Mapping = Readonly<Record<string, unknown>>;

/** Keys that say how a file is to be read, not what holds: they are not inherited. */
const NOT_INHERITED = ['$schema', 'extends'];

const PATHS: readonly (readonly string[])[] = [
  ['model'],
  ['output'],
  ...DATA_SECTIONS.flatMap((section) =>
    [...DATA_KIND_NAMES, 'labels', 'classes', 'tokenizer'].map((key) => ['data', section, key]),
  ),
  ['task', 'alphabet'],
  ['accuracy_control', 'metric'],
];

/** What a config comes to over the one that it extends: mappings key by key, everything else replaced. */
export function mergeConfigs(base: Mapping, overlay: Mapping): Record<string, unknown> {
  const below = Object.fromEntries(Object.entries(base).filter(([key]) => !NOT_INHERITED.includes(key)));
  return merge(below, overlay, []);
}

function merge(base: Mapping, overlay: Mapping, path: readonly string[]): Record<string, unknown> {
  // Two sources in one section would be an error that neither of the files has.
  const replaced =
    path.length === 2 && path[0] === 'data' && DATA_KIND_NAMES.some((key) => key in overlay)
      ? DATA_KIND_NAMES
      : [];

  const kept = Object.entries(base).filter(([key]) => !(replaced as readonly string[]).includes(key));
  const merged: [string, unknown][] = kept.map(([key, value]) => {
    if (!Object.hasOwn(overlay, key)) return [key, value];
    const over = overlay[key];
    return [key, isMapping(value) && isMapping(over) ? merge(value, over, [...path, key]) : over];
  });

  const added = Object.entries(overlay).filter(([key]) => !kept.some(([known]) => known === key));

  return Object.fromEntries([...merged, ...added]);
}

/** The value with its relative paths as they are seen from another folder. */
export function rebased(value: Mapping, from: string, to: string): Mapping {
  if (from === to) return value;
  return PATHS.reduce((current, path) => mapped(current, path, (text) => seenFrom(text, from, to)), value);
}

function seenFrom(path: string, from: string, to: string): string {
  // Metrics are names, or paths of modules.
  if (isAbsolute(path) || path === '') return path;
  const moved = relative(to, resolve(from, path)).split('\\').join('/');
  return /^\.\.?(\/|$)/.test(moved) || isAbsolute(moved) ? moved : `./${moved}`;
}

function mapped(
  value: Mapping,
  [key, ...rest]: readonly string[],
  change: (text: string) => string,
): Mapping {
  if (key === undefined || !Object.hasOwn(value, key)) return value;
  const child = value[key];
  if (rest.length > 0) return isMapping(child) ? { ...value, [key]: mapped(child, rest, change) } : value;
  if (typeof child !== 'string' || (key === 'metric' && !isModulePath(child))) return value;
  return { ...value, [key]: change(child) };
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
