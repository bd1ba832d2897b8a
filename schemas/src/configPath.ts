import type { DATA_SECTIONS } from './dataKinds.js';
import type { DottedPath, KnownPath } from './generated/configPaths.js';

export type { DottedPath, KnownPath };

type DataSectionName = (typeof DATA_SECTIONS)[number];

declare const isWritten: unique symbol;

/** A place in a text that somebody wrote, which the schema may not know; only `writtenPath` and `below` make one. */
export type WrittenPath = readonly (string | number)[] & { readonly [isWritten]: true };

/**
 * A place in the config: keys and indexes from the root, e.g. `['data', 'calibration', 'images']`. A misspelt one does not
 * compile: what is written in code is a place of the schema.
 */
export type ConfigPath = KnownPath | WrittenPath;

/** Where samples are described. */
export type DataSectionPath = readonly ['data', DataSectionName];

/** Keys and indexes that come from outside: a user's text, a report, a message. */
export function writtenPath(steps: readonly (string | number)[]): WrittenPath {
  return steps as WrittenPath;
}

/** The place of something in the value at a place, by keys that are known at run time only. */
export function below(path: ConfigPath, ...steps: readonly (string | number)[]): WrittenPath {
  return writtenPath([...path, ...steps]);
}

/** The place of what holds the value at a place. */
export function above(path: ConfigPath): WrittenPath {
  return writtenPath(path.slice(0, -1));
}

/** A setting as text, by its place below `quantization`. */
export type QuantizationSetting = DottedPath extends infer Place
  ? Place extends `quantization.${infer Setting}`
    ? Setting
    : never
  : never;
