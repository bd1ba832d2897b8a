import {
  below,
  configSchema,
  resolveRef,
  schemaAt,
  type SchemaNode,
  type ConfigPath,
} from '@quantsmith/schemas';

/** The schema of the value at a path of a config. */
export function schemaOf(path: ConfigPath): SchemaNode | undefined {
  return schemaAt(configSchema, path);
}

/** The keys that may stand in the mapping at a path: those that most configs have first, then in the schema's order. */
export function keysAt(path: ConfigPath): { name: string; schema: SchemaNode; required: boolean }[] {
  const schema = schemaOf(path);
  const required = schema?.required ?? [];
  const keys = Object.entries(schema?.properties ?? {}).map(([name, child]) => ({
    name,
    schema: resolveRef(configSchema, child),
    required: required.includes(name),
  }));

  const often = schema?.['x-often'] ?? [];
  const rank = (name: string) => (often.includes(name) ? often.indexOf(name) : often.length);

  return keys.sort((a, b) => rank(a.name) - rank(b.name));
}

/** The names of all keys that a config may have, wherever they stand. */
export const KEY_NAMES: ReadonlySet<string> = new Set(keyNames([]));

function keyNames(path: ConfigPath): string[] {
  return keysAt(path).flatMap(({ name, schema }) => [
    name,
    ...(schema.properties === undefined ? [] : keyNames(below(path, name))),
  ]);
}

export interface AllowedValue {
  readonly value: string | number | boolean | null;
  readonly description: string;
  /** The value that replaced it, for old spellings. */
  readonly replacedBy?: string;
}

/** The values that a key takes, where they can be listed. */
export function allowedValues(schema: SchemaNode): AllowedValue[] {
  const descriptions = schema['x-enumDescriptions'] ?? schema['x-stringDescriptions'] ?? [];
  const values = schema.enum ?? schema['x-stringValues'];
  if (values !== undefined) {
    return values.map((value, index) => {
      const replacedBy = schema['x-deprecatedValues']?.[String(value)];
      return {
        value,
        description: descriptions[index] ?? '',
        ...(replacedBy === undefined ? {} : { replacedBy }),
      };
    });
  }

  const types = [schema.type ?? []].flat();
  const booleans = types.includes('boolean') ? [true, false] : [];
  const nothing = types.includes('null') ? [null] : [];

  return [...booleans, ...nothing].map((value) => ({ value, description: '' }));
}

/** The reference page's anchor of a key. */
export function referenceAnchor(path: ConfigPath): string {
  const keys = path.filter((step) => typeof step === 'string');
  if (keys[0] !== 'matrix') return keys.join('-');
  // A setting that is varied is explained where it is set.
  const setting = String(keys.at(-1) ?? '');
  return setting.includes('.') ? setting.replaceAll('.', '-') : 'matrix';
}

/** The type in words: `integer or null`. */
export function typeName(schema: SchemaNode): string {
  return [schema.type ?? 'any value'].flat().join(' or ');
}
