// `matrix`: lists of values for every setting that the config's schema has, by its path. Validation, completion and hover of the
// lists follow from that, here and in other editors.

/** What a sweep does not vary: where files go, what a config is made of, and limits that have no effect on the result. */
const NOT_VARIED = ['$schema', 'extends', 'output', 'history', 'modules', 'matrix'];

/** The schema, with the settings that its matrix takes. */
export function withMatrix(schema) {
  const settings = settingsBelow(schema, schema, '#', []).filter(([[first]]) => !NOT_VARIED.includes(first));
  const lists = settings.map(([steps, pointer, { description }]) => [
    steps.join('.'),
    {
      description: `Values to try. ${description}`,
      type: 'array',
      minItems: 1,
      items: { $ref: pointer },
    },
  ]);
  const values = settings.map(([steps, pointer]) => [steps.join('.'), { $ref: pointer }]);
  const { include, exclude, time_limit } = schema.properties.matrix.properties;
  schema.properties.matrix.properties = { include, exclude, time_limit, ...Object.fromEntries(lists) };
  schema.$defs.settings.properties = Object.fromEntries(values);
  return schema;
}

/** The schema without the lists: whatever follows from it knows each setting once. */
export function withoutMatrix(schema) {
  const $defs = Object.fromEntries(Object.entries(schema.$defs).filter(([name]) => name !== 'settings'));
  const { description } = schema.properties.matrix;
  const matrix = { description, type: 'object', tsType: 'Readonly<Record<string, unknown>>' };
  return { ...schema, $defs, properties: { ...schema.properties, matrix } };
}

/** Keys from the root, where the schema of the value stands, and that schema. Places in lists are no settings. */
function settingsBelow(root, node, pointer, steps) {
  const [resolved, at] =
    node.$ref === undefined ? [node, pointer] : [root.$defs[node.$ref.split('/').at(-1)], node.$ref];
  return Object.entries(resolved.properties ?? {}).flatMap(([key, child]) => {
    const place = [...steps, key];
    if (NOT_VARIED.includes(place[0])) return [];
    const childPointer = `${at}/properties/${key}`;
    const target = child.$ref === undefined ? child : root.$defs[child.$ref.split('/').at(-1)];
    const described = { ...target, ...(child.description === undefined ? {} : child) };
    return [[place, childPointer, described], ...settingsBelow(root, child, childPointer, place)];
  });
}
