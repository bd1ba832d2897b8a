import { append } from '@quantsmith/schemas';
import { type Graph, freshNames, indexGraph, renameGraph } from '@quantsmith/model/graph';
import {
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  isOnnxDomain,
  makeNode,
} from '@quantsmith/model/onnx';

/** The model in which an If with a constant condition has given way to the branch that it always takes. */
export function inlineBranches(model: ModelProto, valueOf: (condition: TensorProto) => boolean): ModelProto {
  const graph = indexGraph(model);
  const fresh = freshNames(model);
  const nodeNames = new Set(model.graph.node.map(({ name }) => name));
  const nameNode = (name: string) => {
    const unique = nodeNames.has(name) ? fresh(name) : name;
    nodeNames.add(unique);
    return unique;
  };

  const initializers: TensorProto[] = [];
  let changed = false as boolean;
  const node = model.graph.node.flatMap((old): NodeProto[] => {
    const branch = takenBranch(old, graph, valueOf);
    if (branch === undefined) return [old];
    changed = true;
    const inlined = inline(old, branch, { fresh, nameNode });
    append(initializers, inlined.initializer);

    return inlined.node;
  });

  if (!changed) return model;
  const initializer = [...model.graph.initializer, ...initializers];

  return { ...model, graph: { ...model.graph, node, initializer } };
}

function takenBranch(
  node: NodeProto,
  graph: Graph,
  valueOf: (condition: TensorProto) => boolean,
): GraphProto | undefined {
  if (node.opType !== 'If' || !isOnnxDomain(node)) return undefined;
  const condition = graph.initializer(node.input[0] ?? '');
  if (condition === undefined) return undefined;
  const taken = valueOf(condition) ? 'then_branch' : 'else_branch';

  return node.attribute.find(({ name }) => name === taken)?.g;
}

/** The nodes of a branch under names that nothing else has, and copies of its results under the names of the If's outputs. */
function inline(
  owner: NodeProto,
  branch: GraphProto,
  { fresh, nameNode }: { fresh: (base: string) => string; nameNode: (name: string) => string },
) {
  const defined = new Set([
    ...branch.initializer.map(({ name }) => name),
    ...branch.node.flatMap(({ output }) => output),
  ]);

  const names = new Map(
    [...defined].filter((name) => name !== '').map((name) => [name, fresh(`${owner.name}/${name}`)]),
  );
  const inner = renameGraph(branch, (name) => names.get(name) ?? name);
  const copies = owner.output.flatMap((output, index) => {
    const result = inner.output[index]?.name ?? '';
    return output === ''
      ? []
      : [makeNode('Identity', [result], [output], {}, { name: fresh(`${owner.name}/Identity`) })];
  });

  const node = inner.node.map((old) => ({
    ...old,
    name: nameNode(old.name || `${owner.name}/${old.opType}`),
  }));

  return { node: [...node, ...copies], initializer: inner.initializer };
}
