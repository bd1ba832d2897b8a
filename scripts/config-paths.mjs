// The type of every place in a config that the schema knows: a path that is misspelt does not compile.

/** The source of `schemas/src/generated/configPaths.ts`, from the config's schema. */
export function configPaths(schema) {
  const places = placesBelow(schema, schema, []);
  const line = (steps) =>
    `  | readonly [${steps.map((step) => (step === null ? 'number' : `'${step}'`)).join(', ')}]`;
  const dotted = places.filter((steps) => !steps.includes(null)).map((steps) => `  | '${steps.join('.')}'`);

  const named = places
    .map((steps) => [steps, nodeAt(schema, steps)['x-path']])
    .filter(([, use]) => use !== undefined)
    .map(([steps, use]) => `  { path: [${steps.map((step) => `'${step}'`).join(', ')}], use: '${use}' },`);

  return `/** Every place in a config that the schema knows, as keys and indexes from the root. */
export type KnownPath =
  | readonly []
${places.map(line).join('\n')};

/** The same as text, keys joined by dots, but for places in lists. */
export type DottedPath =
${dotted.join('\n')};

/** The places whose value is a path, and what a run does with it; module: it is a path only where it looks like one. */
export const NAMED_PATHS = [
${named.join('\n')}
] as const satisfies readonly { readonly path: KnownPath; readonly use: string }[];
`;
}

/** Keys from the root; null: an index. */
function placesBelow(root, node, steps) {
  const { properties = {}, items } = resolved(root, node);
  const children = Object.entries(properties).map(([key, child]) => [[...steps, key], child]);
  if (items !== undefined) children.push([[...steps, null], items]);

  return children.flatMap(([place, child]) => [place, ...placesBelow(root, child, place)]);
}

function nodeAt(root, steps) {
  return steps.reduce(
    (node, step) => (step === null ? resolved(root, node).items : resolved(root, node).properties[step]),
    root,
  );
}

function resolved(root, node) {
  return node.$ref === undefined ? node : root.$defs[node.$ref.split('/').at(-1)];
}
