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

type Steps = readonly (string | number)[];

/** Every key of the schema. */
type Key = Extract<KnownPath[number], string>;

/** Steps that the schema knows below a place, or somewhere where the place is only known at run time; else `never`s. */
type StepsBelow<Path extends ConfigPath, Taken extends Steps> = string extends Taken[number]
  ? Taken
  : WrittenPath extends Path
    ? { readonly [Index in keyof Taken]: Taken[Index] extends Key | number ? Taken[Index] : never }
    : readonly [...Path, ...Taken] extends KnownPath
      ? Taken
      : never[];

/** The place that steps lead to, as exactly as it is known. */
type Below<Path extends ConfigPath, Taken extends Steps> = string extends Taken[number]
  ? WrittenPath
  : WrittenPath extends Path
    ? WrittenPath
    : readonly [...Path, ...Taken] extends KnownPath
      ? readonly [...Path, ...Taken]
      : WrittenPath;

/** The place of something in the value at a place. Keys that are written in code are keys of the schema. */
export function below<const Path extends ConfigPath, const Taken extends Steps>(
  path: Path,
  ...steps: StepsBelow<Path, Taken>
): Below<Path, Taken>;
export function below(path: ConfigPath, ...steps: Steps): WrittenPath {
  return writtenPath([...path, ...steps]);
}

/** The place of what holds the value at a place. */
export function above(path: ConfigPath): WrittenPath {
  return writtenPath(path.slice(0, -1));
}

/** A place as people write it: `quantization.overrides[0].names`. */
export const placeText = (path: ConfigPath): string =>
  path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');

/** A setting as text, by its place below `quantization`. */
export type QuantizationSetting = DottedPath extends infer Place
  ? Place extends `quantization.${infer Setting}`
    ? Setting
    : never
  : never;
