import { create } from '@bufbuild/protobuf';
import { freeTensors } from '@quantsmith/model/graph';
import {
  dataTypeOf,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  ValueInfoProtoSchema,
  type ModelProto,
  type ValueInfoProto,
} from '@quantsmith/model/onnx';
import type { HostTensor } from '@quantsmith/model/arrays';
import type { Sample } from '../data/types.js';
import type { PreparedModel } from '../prepare/prepare.js';
import { outsideTensors, type BodyPlace } from './watch.js';

/** A body as a model of its own: what it is given and what it reads from outside are its inputs, of the types that were seen. */
export function bodyModel(
  { model, graph }: PreparedModel,
  { graph: body }: BodyPlace,
  samples: readonly Sample[],
): ModelProto {
  const constants = [...freeTensors(body)].flatMap((name) => graph.initializer(name) ?? []);
  const names = [...body.input.map(({ name }) => name), ...outsideTensors(graph, body)];
  const input = names.map((name) =>
    seenInput(
      name,
      samples.flatMap(({ feeds }) => feeds[name] ?? []),
    ),
  );
  const initializer = [...body.initializer, ...constants];

  return { ...model, graph: { ...body, input, initializer, valueInfo: [] } };
}

/** An input of the type of these values; its dimensions are free: other samples may have others. */
function seenInput(name: string, values: readonly HostTensor[]): ValueInfoProto {
  const [first] = values;
  const elemType = dataTypeOf(first?.type ?? 'float32') ?? 1;
  const sameRank = values.every(({ dims }) => dims.length === first?.dims.length);
  const dim = (first?.dims ?? []).map(() => create(TensorShapeProto_DimensionSchema));
  const tensor = create(TypeProto_TensorSchema, {
    elemType,
    ...(sameRank ? { shape: create(TensorShapeProtoSchema, { dim }) } : {}),
  });

  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  });
}
