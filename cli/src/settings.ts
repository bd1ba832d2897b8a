import { configSchema, type Settings, visible } from '@quantsmith/schemas';
import { InvalidArgumentError } from 'commander';
import { parse } from 'yaml';

/** Every setting that may be given another value, by its path. */
const settingNames = () => Object.keys(configSchema.$defs?.['settings']?.properties ?? {});

/** `--set preset=mixed`, added to those before it. The value is YAML; the setting's path may be cut at its start. */
export function parseSetting(text: string, previous: Settings = {}): Settings {
  const [, name, value] = /^([^=]+)=([\s\S]*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('It is a setting and its value, such as preset=mixed.');

  return { ...previous, [settingNamed(name.trim())]: valueOf(value) };
}

function settingNamed(name: string): string {
  const known = settingNames();
  if (known.includes(name)) return name;
  const ending = known.filter((setting) => setting.endsWith(`.${name}`));
  const [only] = ending;
  if (only !== undefined && ending.length === 1) return only;
  throw new InvalidArgumentError(
    only === undefined
      ? `There is no setting ${visible(name)}.`
      : `${visible(name)} may be ${ending.join(' or ')}.`,
  );
}

function valueOf(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw new InvalidArgumentError(`The value is not YAML: ${String(error).split('\n')[0]}`);
  }
}
