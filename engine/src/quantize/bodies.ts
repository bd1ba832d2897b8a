import { freeTensors, freshNames, namesOf, renameGraph } from '@quantsmith/model/graph';
import type { AttributeProto, GraphProto, ModelProto, NodeProto } from '@quantsmith/model/onnx';

/** A body of If, Loop or Scan as it is written: a model of its own. */
interface BuiltBody {
  /** The node whose body it is. */
  readonly owner: string;
  /** The attribute that holds it. */
  readonly attribute: string;
  readonly built: ModelProto;
}

/** The model with these bodies in the places of its own. */
export function withBodies(model: ModelProto, bodies: readonly BuiltBody[]): ModelProto {
  if (bodies.length === 0) return model;
  const fresh = freshNames(model);
  const outer = new Map(model.graph.initializer.map((tensor) => [tensor.name, tensor]));
  const bodyOf = ({ name: owner }: NodeProto, { name: attribute, g }: AttributeProto) => {
    const body = bodies.find((candidate) => candidate.owner === owner && candidate.attribute === attribute);
    return body === undefined || g === undefined ? undefined : asBody(g, body.built.graph, outer, fresh);
  };

  const node = model.graph.node.map((old) => ({
    ...old,
    attribute: old.attribute.map((attribute) => {
      const g = bodyOf(old, attribute);
      return g === undefined ? attribute : { ...attribute, g };
    }),
  }));

  return { ...model, graph: { ...model.graph, node } };
}

/** The graph of a quantized body between the original's inputs and outputs; constants from outside are read there again. */
function asBody(
  original: GraphProto,
  built: GraphProto,
  outer: ReadonlyMap<string, unknown>,
  fresh: (base: string) => string,
): GraphProto {
  const fromOutside = new Set(freeTensors(original));
  const initializer = built.initializer.filter(
    (tensor) => !fromOutside.has(tensor.name) || outer.get(tensor.name) !== tensor,
  );

  const body = { ...built, input: original.input, output: original.output, initializer };
  const kept = new Set(namesOf(original));
  const renamed = new Map<string, string>();
  // A constant from outside that was changed is another one.
  for (const { name } of initializer) if (fromOutside.has(name)) renamed.set(name, fresh(name));

  return renameGraph(body, (name) => {
    const known = renamed.get(name);
    if (known !== undefined || name === '' || kept.has(name)) return known ?? name;
    const unique = fresh(name);
    renamed.set(name, unique);

    return unique;
  });
}
