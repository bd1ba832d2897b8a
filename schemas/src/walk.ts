/** A JSON Schema node as far as this project's schemas use the language. */
export interface SchemaNode {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, SchemaNode>>;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly (string | number | boolean | null)[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly 'x-enumDescriptions'?: readonly string[];
  /** Named values of a key that also takes an object. */
  readonly 'x-stringValues'?: readonly string[];
  readonly 'x-stringDescriptions'?: readonly string[];
  /** Usual values of a key that takes others too. */
  readonly examples?: readonly unknown[];
  /** Keys of an object that most configs have, in the order in which people write them. */
  readonly 'x-often'?: readonly string[];
  /** What each of the examples is called. */
  readonly 'x-exampleNames'?: readonly string[];
  /** Accepted old spellings, with the value that replaced them. */
  readonly 'x-deprecatedValues'?: Readonly<Record<string, string>>;
  /** The value is a path, and what a run does with it; module: it is one only where it looks like one. */
  readonly 'x-path'?: string;
}

/** Follows a reference within the schema, as far as it leads. */
export function resolveRef(root: SchemaNode, node: SchemaNode): SchemaNode {
  if (node.$ref === undefined) return node;
  const steps = node.$ref.split('/').slice(1);
  const target = resolveRef(root, steps.reduce(childOf, root));
  return node.description === undefined ? target : { ...target, description: node.description };
}

const childOf = (node: object, step: string): object =>
  (Object.hasOwn(node, step) ? (node as Readonly<Record<string, object>>)[step] : undefined) ?? {};

/** A key may be called like something that every object has. */
const ownProperty = ({ properties = {} }: SchemaNode, key: string) =>
  Object.hasOwn(properties, key) ? properties[key] : undefined;

/** The schema of the value at a path, or undefined where the schema knows none. */
export function schemaAt(root: SchemaNode, path: readonly (string | number)[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const step of path) {
    const current: SchemaNode = resolveRef(root, node);
    node = typeof step === 'number' ? current.items : ownProperty(current, step);
    if (node === undefined) return undefined;
  }

  return resolveRef(root, node);
}
