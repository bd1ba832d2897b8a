import type { SettingDifference } from '@quantsmith/schemas';
import { isMapping } from '../extends/merge.js';

/** The settings that are not alike in the values of all of some configs, in the order in which they first stand there. */
export function settingDifferences(configs: readonly unknown[]): SettingDifference[] {
  const written = configs.map((config) => new Map(leaves(config, '')));
  const settings = new Set(written.flatMap((values) => [...values.keys()]));

  return [...settings].flatMap((setting) => {
    const values = written.map((config) => config.get(setting) ?? null);
    return new Set(values).size === 1 ? [] : [{ setting, values }];
  });
}

/** Values that are no mappings, as JSON, by their dotted paths. */
function* leaves(value: unknown, path: string): Generator<[string, string]> {
  if (!isMapping(value) || Object.keys(value).length === 0) {
    if (path !== '') yield [path, JSON.stringify(value)];
    return;
  }

  for (const [key, child] of Object.entries(value))
    yield* leaves(child, path === '' ? key : `${path}.${key}`);
}
