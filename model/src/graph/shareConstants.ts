import { createHash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import { subgraphs } from '../onnx/node.js';
import type { ModelProto } from '../onnx/model.js';
import { type GraphProto, type TensorProto, TensorProtoSchema } from '../onnx/onnx_pb.js';
import { elementCount } from '../onnx/tensor.js';
import { freshNames } from './freshNames.js';
import { renameReadings, mapBodies } from './rename.js';

/** Smaller constants are not worth a name in the graph around. */
const MIN_ELEMENTS = 64;

/** The model in which a constant that the graph and its bodies, or several bodies, hold is stored once, in the graph. */
export function shareConstants(model: ModelProto): ModelProto {
  const graph = model.graph;
  const inside = graph.node.flatMap((node) => subgraphs(node).flatMap(constantsOf)).map(withKey);
  const counts = new Map<string, number>();
  for (const { key } of inside) counts.set(key, (counts.get(key) ?? 0) + 1);
  const nameOf = new Map(
    graph.initializer
      .filter(isLarge)
      .map(withKey)
      .map(({ key, tensor }) => [key, tensor.name]),
  );

  const fresh = freshNames(model);
  const added: TensorProto[] = [];
  for (const { key, tensor } of inside) {
    if (nameOf.has(key) || counts.get(key) === 1) continue;
    const name = fresh(tensor.name);
    nameOf.set(key, name);
    added.push({ ...tensor, name });
  }

  const shared = new Set(nameOf.keys());
  if (!inside.some(({ key }) => shared.has(key))) return model;
  const reading = (body: GraphProto): GraphProto => {
    const names = new Map<string, string>();
    const outputs = new Set(body.output.map(({ name }) => name));
    const initializer = body.initializer.filter((tensor) => {
      const outside = isLarge(tensor) && !outputs.has(tensor.name) ? nameOf.get(keyOf(tensor)) : undefined;
      if (outside !== undefined) names.set(tensor.name, outside);
      return outside === undefined;
    });

    const rename = (name: string) => names.get(name) ?? name;
    const node = body.node.map((inner) => renameReadings(mapBodies(inner, reading), rename));

    return { ...body, initializer, node };
  };

  const node = graph.node.map((outer) => mapBodies(outer, reading));

  return { ...model, graph: { ...graph, node, initializer: [...graph.initializer, ...added] } };
}

function constantsOf(graph: GraphProto): TensorProto[] {
  return [
    ...graph.initializer.filter(isLarge),
    ...graph.node.flatMap((node) => subgraphs(node).flatMap(constantsOf)),
  ];
}

const isLarge = ({ dims }: TensorProto) => elementCount(dims) >= MIN_ELEMENTS;

const withKey = (tensor: TensorProto) => ({ tensor, key: keyOf(tensor) });

function keyOf(tensor: TensorProto): string {
  return createHash('sha256')
    .update(toBinary(TensorProtoSchema, { ...tensor, name: '' }))
    .digest('hex');
}
