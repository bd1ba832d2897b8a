// The type of every place in a config that the schema knows: a path that is misspelt does not compile.

/** The source of `schemas/src/generated/configPaths.ts`, from the config's schema. */
export function configPaths(schema) {
  const places = placesBelow(schema, schema, []);
  const line = (steps) =>
    `  | readonly [${steps.map((step) => (step === null ? 'number' : `'${step}'`)).join(', ')}]`;
  const dotted = places.filter((steps) => !steps.includes(null)).map((steps) => `  | '${steps.join('.')}'`);

  return `/** Every place in a config that the schema knows, as keys and indexes from the root. */
export type KnownPath =
  | readonly []
${places.map(line).join('\n')};

/** The same as text, keys joined by dots, but for places in lists. */
export type DottedPath =
${dotted.join('\n')};
`;
}

/** Keys from the root; null: an index. */
function placesBelow(root, node, steps) {
  const { properties = {}, items } = resolved(root, node);
  const children = Object.entries(properties).map(([key, child]) => [[...steps, key], child]);
  if (items !== undefined) children.push([[...steps, null], items]);

  return children.flatMap(([place, child]) => [place, ...placesBelow(root, child, place)]);
}

function resolved(root, node) {
  return node.$ref === undefined ? node : root.$defs[node.$ref.split('/').at(-1)];
}
