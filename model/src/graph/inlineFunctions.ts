import { fail } from '@quantsmith/schemas';
import { functionKey, makeNode, plainDomain } from '../onnx/node.js';
import type { ModelProto } from '../onnx/model.js';
import { uniqueNodeNames } from '../onnx/names.js';
import type { AttributeProto, FunctionProto, GraphProto, NodeProto } from '../onnx/onnx_pb.js';
import { freshNames } from './freshNames.js';
import { mapBodies, renameGraph } from './rename.js';

/** Functions may call each other so deep; ONNX forbids that one calls itself. */
export const MAX_FUNCTION_DEPTH = 32;

/** Nodes that functions may come to: ones that call each other twice grow without bound in a small file. */
const MAX_FUNCTION_NODES = 200_000;

/**
 * The model with the bodies of its own functions in the places of their calls, also in bodies of If, Loop and Scan.
 * A body's nodes are named after the call: `<call>/<node>`, unnamed ones as in a graph. Functions of another version of an operator set than the
 * model's stay calls. Nodes have names. Throws `model-too-large`.
 */
export function inlineFunctions(model: ModelProto): ModelProto {
  if (model.functions.length === 0) return model;
  const versions = new Map(model.opsetImport.map(({ domain, version }) => [plainDomain(domain), version]));
  const functions = new Map(
    model.functions
      .filter((body) => fits(body, versions))
      .map((body) => [functionKey(body.domain, body.name, body.overload), body]),
  );
  const imports = [...functions.values()]
    .flatMap(({ opsetImport }) => opsetImport)
    .filter(
      ({ domain }, index, all) =>
        !versions.has(plainDomain(domain)) && all.findIndex((other) => other.domain === domain) === index,
    );

  const context: Context = { functions, fresh: freshNames(model), made: { nodes: 0 } };
  const graph = inlineGraph(model.graph, context, 0);
  const kept = model.functions.filter(
    ({ domain, name, overload }) => !functions.has(functionKey(domain, name, overload)),
  );

  return { ...model, graph, functions: kept, opsetImport: [...model.opsetImport, ...imports] };
}

interface Context {
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly fresh: (base: string) => string;
  /** What functions have come to so far. */
  readonly made: { nodes: number };
}

/** Whether the function means the model's own versions of operator sets. */
function fits(body: FunctionProto, versions: ReadonlyMap<string, bigint>): boolean {
  return body.opsetImport.every(
    ({ domain, version }) => (versions.get(plainDomain(domain)) ?? version) === version,
  );
}

function inlineGraph(graph: GraphProto, context: Context, depth: number): GraphProto {
  return { ...graph, node: graph.node.flatMap((node) => inlineNode(node, context, depth)) };
}

function inlineNode(node: NodeProto, context: Context, depth: number): NodeProto[] {
  const body = context.functions.get(functionKey(node.domain, node.opType, node.overload));
  if (body !== undefined && depth < MAX_FUNCTION_DEPTH) {
    return expand(node, body, context).flatMap((inner) => inlineNode(inner, context, depth + 1));
  }

  return [mapBodies(node, (inner) => inlineGraph(inner, context, depth))];
}

/** The nodes of a function's body with the call's tensors and attributes. */
function expand(call: NodeProto, body: FunctionProto, { fresh, made }: Context): NodeProto[] {
  made.nodes += body.node.length;
  if (made.nodes > MAX_FUNCTION_NODES) {
    fail(
      'model-too-large',
      `The model's own functions come to more than ${MAX_FUNCTION_NODES} nodes in the places of their calls.`,
    );
  }

  const names = new Map<string, string>([['', '']]);
  body.input.forEach((name, index) => names.set(name, call.input[index] ?? ''));
  const copies: NodeProto[] = [];
  body.output.forEach((name, index) => {
    const output = call.output[index] ?? '';
    if (output === '') return;
    // An output that is an input as well, or comes twice.
    if (names.has(name))
      copies.push(
        makeNode('Identity', [names.get(name)!], [output], {}, { name: fresh(`${call.name}/Identity`) }),
      );
    else names.set(name, output);
  });

  const rename = (name: string): string => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const unique = fresh(`${call.name}/${name}`);
    names.set(name, unique);
    return unique;
  };

  const values = new Map(
    [...body.attributeProto, ...call.attribute].map((attribute) => [attribute.name, attribute]),
  );

  const nodeNames = uniqueNodeNames(body.node);
  const nodes = body.node.map((node, index) =>
    copyNode({ ...node, name: nodeNames[index]! }, { prefix: call.name, rename, fresh, values }),
  );

  return [...nodes, ...copies];
}

interface Copying {
  readonly prefix: string;
  readonly rename: (name: string) => string;
  readonly fresh: (base: string) => string;
  /** The call's attributes, and the defaults of those that it leaves out. */
  readonly values: ReadonlyMap<string, AttributeProto>;
}

function copyNode(node: NodeProto, copying: Copying): NodeProto {
  const { prefix, rename, fresh, values } = copying;
  return {
    ...node,
    name: fresh(`${prefix}/${node.name === '' ? node.opType : node.name}`),
    input: node.input.map(rename),
    output: node.output.map(rename),
    attribute: mapBodies(node, (inner) => copyGraph(inner, copying)).attribute.flatMap((attribute) => {
      if (attribute.refAttrName === '') return [attribute];
      const value = values.get(attribute.refAttrName);
      return value === undefined ? [] : [{ ...value, name: attribute.name, refAttrName: '' }];
    }),
  };
}

const copyGraph = (graph: GraphProto, copying: Copying): GraphProto =>
  renameGraph(graph, copying.rename, (node) => copyNode(node, copying));
