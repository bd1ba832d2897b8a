import type { QuantizationConfig } from './generated/config.js';
import { below, type WrittenPath } from './configPath.js';
import { isRecord } from './record.js';

/** Values of settings, by the settings' paths: `{'quantization.preset': 'mixed'}`. */
export type Settings = Readonly<Record<string, unknown>>;

/** One combination of a matrix. */
export interface Combination {
  /** What tells it from the others: `preset=mixed, overflow_fix=enable`; empty: the config as it stands. */
  readonly name: string;
  readonly settings: Settings;
}

/** A combination as a config. */
export interface Variant extends Combination {
  /** With the settings, without the matrix. */
  readonly config: QuantizationConfig;
}

/** More combinations than anybody waits for. */
export const MAX_VARIANTS = 1000;

/**
 * The configs that a matrix stands for, as matrices of GitHub workflows work: every combination of the listed values, without
 * those that hold all values of an entry of `exclude`; then each entry of `include` is added to the combinations whose listed
 * values it leaves as they are, or is a combination of its own. Without a matrix it is the config itself. The config must be
 * valid. Ends after `MAX_VARIANTS`; `countVariants` tells how many there are.
 */
export function expandMatrix(config: QuantizationConfig): Variant[] {
  return expandLists(config.matrix ?? {}).map((combination) => ({
    ...combination,
    config: withSettings(config, combination.settings),
  }));
}

/** The same of a matrix alone, whose values need not be valid: lists of values, and of settings under `include` and `exclude`. */
export function expandLists(matrix: Readonly<Record<string, unknown>>): Combination[] {
  const combinations = combinationsOf(matrix as Matrix);
  const nameOf = namer(combinations);

  return combinations.map((settings) => ({ name: nameOf(settings), settings }));
}

/** Where a matrix says that a setting has a value: among the setting's own values, or in what is included; null: nowhere. */
export function placeInMatrix(
  matrix: Readonly<Record<string, unknown>>,
  setting: string,
  value: unknown,
): WrittenPath | null {
  const { include = [], [setting]: listed = [] } = matrix as Matrix;
  const index = listed.findIndex((item) => same(item, value));
  if (index >= 0) return below(['matrix'], setting, index);
  const entry = include.findIndex(
    (settings) => Object.hasOwn(settings, setting) && same(settings[setting], value),
  );

  return entry < 0 ? null : below(['matrix'], 'include', entry, setting);
}

/** The lists' combinations before anything is left out. */
export function countCombinations(matrix: Readonly<Record<string, unknown>>): number {
  return listsOf(matrix).reduce((product, [, values]) => product * values.length, 1);
}

/** A config, valid or not, without its matrix, with values at places; what stands there is replaced whole. */
export function withSettings<Config extends object>(config: Config, settings: Settings): Config {
  return Object.entries(settings).reduce<unknown>(
    (changed, [setting, value]) => placed(changed, setting.split('.'), value),
    Object.fromEntries(Object.entries(config).filter(([key]) => key !== 'matrix')),
  ) as Config;
}

type Matrix = Readonly<Record<string, readonly unknown[]>> & {
  readonly include?: readonly Settings[];
  readonly exclude?: readonly Settings[];
};

const listsOf = (matrix: Readonly<Record<string, unknown>>) =>
  Object.entries(matrix).filter(
    (entry): entry is [string, unknown[]] =>
      entry[0] !== 'include' && entry[0] !== 'exclude' && Array.isArray(entry[1]),
  );

function combinationsOf(matrix: Matrix): Settings[] {
  const { include = [], exclude = [] } = matrix;
  let listed: Settings[] = [{}];
  for (const [setting, values] of listsOf(matrix))
    listed = listed
      .flatMap((settings) => values.map((value) => ({ ...settings, [setting]: value })))
      .slice(0, MAX_VARIANTS);
  const kept = listed.filter((settings) => !exclude.some((entry) => holds(settings, entry)));

  const hasLists = listsOf(matrix).length > 0;
  const extended = hasLists ? kept.map((settings) => withIncluded(settings, include)) : [];
  const added = include.filter((entry) => !hasLists || !kept.some((settings) => agrees(settings, entry)));
  const combinations = [...extended, ...added];
  const isEmpty = combinations.length === 0 && Object.keys(matrix).length === 0;

  return isEmpty ? [{}] : combinations.slice(0, MAX_VARIANTS);
}

/** An entry adds to a combination unless it would change a value that the lists gave it. */
function withIncluded(settings: Settings, include: readonly Settings[]): Settings {
  return include
    .filter((entry) => agrees(settings, entry))
    .reduce((sum, entry) => ({ ...sum, ...entry }), settings);
}

const holds = (settings: Settings, entry: Settings) =>
  Object.entries(entry).every(
    ([setting, value]) => Object.hasOwn(settings, setting) && same(settings[setting], value),
  );

const agrees = (settings: Settings, entry: Settings) =>
  Object.entries(entry).every(
    ([setting, value]) => !Object.hasOwn(settings, setting) || same(settings[setting], value),
  );

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

function placed(target: unknown, [step, ...rest]: readonly string[], value: unknown): unknown {
  if (step === undefined) return value;
  const base = isRecord(target) ? target : {};
  return { ...base, [step]: placed(base[step], rest, value) };
}

/** Names by the shortest ends of the settings' paths that are not the same for two of them. */
function namer(combinations: readonly Settings[]): (settings: Settings) => string {
  const varied = [...new Set(combinations.flatMap((settings) => Object.keys(settings)))];
  const shortNames = new Map(varied.map((setting) => [setting, shortest(setting, varied)]));

  return (settings) =>
    Object.entries(settings)
      .map(([setting, value]) => `${shortNames.get(setting) ?? setting}=${settingValueText(value)}`)
      .join(', ');
}

function shortest(setting: string, all: readonly string[]): string {
  const steps = setting.split('.');
  for (let count = 1; count < steps.length; count++) {
    const end = steps.slice(-count).join('.');
    if (all.every((other) => other === setting || !`.${other}`.endsWith(`.${end}`))) return end;
  }

  return setting;
}

/** A setting's value in the name of a combination. */
export const settingValueText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

/** The longest part of a file's name that tells a variant from the others. */
const MAX_NAME = 60;

/**
 * What an output's name says of a variant: its name, as far as that can stand in a file's name, with `hash` (of the settings,
 * hexadecimal) where something had to go, so that no two variants have the same.
 */
export function variantFileName({ name, settings }: Combination, hash: string): string {
  const written = name.replaceAll(', ', ',');
  const plain = written.replaceAll(/[^\w.=,-]+/g, '-');
  const isWhole = plain === written && plain.split(',').length === Object.keys(settings).length;
  return isWhole && plain.length <= MAX_NAME ? plain : `${plain.slice(0, MAX_NAME)}-${hash.slice(0, 8)}`;
}
