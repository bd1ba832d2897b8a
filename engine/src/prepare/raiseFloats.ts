import { create } from '@bufbuild/protobuf';
import { freshNames, renameReadings } from '@quantsmith/model/graph';
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  TypeProtoSchema,
  type ValueInfoProto,
  dataTypeName,
  makeNode,
  makeTensor,
  readFloats,
} from '@quantsmith/model/onnx';
import { isLinear } from '@quantsmith/model/operators';
import type { Problem } from '@quantsmith/schemas';

const FLOAT = 1;
const FLOAT16 = 10;
const DOUBLE = 11;
const BFLOAT16 = 16;

/** Attributes that name the element type of an output. */
const TYPE_ATTRIBUTES = new Set(['to', 'dtype', 'output_datatype', 'output_dtype']);

export interface Raised {
  readonly model: ModelProto;
  /** The narrow type in which the model keeps its weights, or null. */
  readonly storedAs: number | null;
  /** Inputs and outputs that are bfloat16 in the user's model and float32 here: the runtime's package cannot feed the former. */
  readonly bfloat16Border: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * The model computing in float32 what it computes in float16 or bfloat16, for which QuantizeLinear and most kernels are
 * missing; so also in double where its linear operators do. Inputs and outputs keep their types: a Cast stands at the border,
 * but for bfloat16, which `restoreBorder` puts back into the model that is written.
 */
export function raiseFloats(model: ModelProto, dir: string): Raised {
  const kinds = new Set([FLOAT16, BFLOAT16, ...(multipliesDoubles(model.graph) ? [DOUBLE] : [])]);
  const present = new Set(elementTypes(model.graph).filter((type) => kinds.has(type)));
  if (present.size === 0) return { model, storedAs: null, bfloat16Border: [], problems: [] };
  const raised = { ...model, graph: raiseGraph(model.graph, kinds, dir) };
  const casts = new Set([FLOAT16, DOUBLE].filter((type) => kinds.has(type)));
  const { graph, changed } = retypeBorder(castBorder(raised, casts), BFLOAT16, FLOAT);

  return {
    model: { ...model, graph },
    bfloat16Border: changed,
    storedAs: [FLOAT16, BFLOAT16].find((type) => present.has(type)) ?? null,
    problems: [raisedProblem([...present])],
  };
}

function raisedProblem(types: readonly number[]): Problem {
  const names = types.map(dataTypeName);
  return {
    code: 'float-raised',
    severity: 'info',
    message: `The model's ${names.join(' and ')} operators are computed in float32; inputs and outputs keep their types.`,
    configPath: ['model'],
    data: { types: names },
  };
}

/**
 * Whether a linear operator reads a double weight or input. Doubles elsewhere are mostly times and counts, which need their
 * digits.
 */
function multipliesDoubles({ node, initializer, input }: GraphProto): boolean {
  const doubles = new Set([
    ...initializer.filter(({ dataType }) => dataType === DOUBLE).map(({ name }) => name),
    ...input.filter((value) => elementType(value) === DOUBLE).map(({ name }) => name),
  ]);
  return node.some(
    (reader) => isLinear(reader) && reader.input.slice(0, 2).some((tensor) => doubles.has(tensor)),
  );
}

/** The element types that a graph names: of its constants, its border and its casts. */
function elementTypes(graph: GraphProto): number[] {
  return [
    ...graph.initializer.map(({ dataType }) => dataType),
    ...[...graph.input, ...graph.output].map((value) => elementType(value)),
    ...graph.node.flatMap(({ attribute }) =>
      attribute.flatMap(({ name, i, t, g, graphs }) => [
        ...(TYPE_ATTRIBUTES.has(name) ? [Number(i)] : []),
        ...(t === undefined ? [] : [t.dataType]),
        ...[...(g === undefined ? [] : [g]), ...graphs].flatMap(elementTypes),
      ]),
    ),
  ];
}

function elementType({ type }: ValueInfoProto): number {
  return type?.value.case === 'tensorType' ? type.value.value.elemType : 0;
}

/** Everything inside the graph in float32; the border of the main graph is left to `castBorders`. */
function raiseGraph(graph: GraphProto, kinds: ReadonlySet<number>, dir: string): GraphProto {
  const raise = (tensor: TensorProto) =>
    kinds.has(tensor.dataType)
      ? makeTensor(tensor.name, tensor.dims.map(Number), FLOAT, readFloats(tensor, dir))
      : tensor;
  const attributeOf = (old: AttributeProto): AttributeProto => {
    const body = (inner: GraphProto): GraphProto => {
      const raised = raiseGraph(inner, kinds, dir);
      const typed = (value: ValueInfoProto) =>
        kinds.has(elementType(value)) ? withType(value, FLOAT) : value;

      return { ...raised, input: raised.input.map(typed), output: raised.output.map(typed) };
    };

    if (TYPE_ATTRIBUTES.has(old.name) && kinds.has(Number(old.i))) return { ...old, i: BigInt(FLOAT) };
    return {
      ...old,
      ...(old.t === undefined ? {} : { t: raise(old.t) }),
      ...(old.g === undefined ? {} : { g: body(old.g) }),
      graphs: old.graphs.map(body),
    };
  };

  const node = graph.node.map((old) => ({ ...old, attribute: old.attribute.map(attributeOf) }));

  // The default of an optional input has the input's type, but for bfloat16, which is none here.
  const optional = new Set(
    graph.input.filter((value) => elementType(value) !== BFLOAT16).map(({ name }) => name),
  );
  const initializer = graph.initializer.map((tensor) => (optional.has(tensor.name) ? tensor : raise(tensor)));

  return { ...graph, node, initializer, valueInfo: [] };
}

function withType(value: ValueInfoProto, elemType: number): ValueInfoProto {
  const kind = value.type?.value;
  if (kind?.case !== 'tensorType') return value;
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: { ...kind.value, elemType } } });
  return { ...value, type };
}

/** The model with these inputs and outputs in bfloat16 again, with casts to what it computes in. */
export function restoreBorder(model: ModelProto, names: readonly string[]): ModelProto {
  if (names.length === 0) return model;
  const { graph } = retypeBorder(model.graph, FLOAT, BFLOAT16, new Set(names));
  return { ...model, graph: castBorder({ ...model, graph }, new Set([BFLOAT16])) };
}

/** Inputs and outputs of one element type in another; `only`: at most these. */
function retypeBorder(graph: GraphProto, from: number, to: number, only?: ReadonlySet<string>) {
  const isMeant = (value: ValueInfoProto) => elementType(value) === from && only?.has(value.name) !== false;
  const retyped = (value: ValueInfoProto) => (isMeant(value) ? withType(value, to) : value);
  const changed = [...graph.input, ...graph.output].filter(isMeant).map(({ name }) => name);

  return {
    graph: { ...graph, input: graph.input.map(retyped), output: graph.output.map(retyped) },
    changed: [...new Set(changed)],
  };
}

/** Casts behind the inputs and before the outputs of the raised types. */
function castBorder(model: ModelProto, kinds: ReadonlySet<number>): GraphProto {
  const graph = model.graph;
  const fresh = freshNames(model);
  const narrow = (values: readonly ValueInfoProto[]) =>
    values.filter((value) => kinds.has(elementType(value)));

  const inputs = narrow(graph.input);
  const inputNames = new Set(graph.input.map(({ name }) => name));
  const outputs = narrow(graph.output).filter(({ name }) => !inputNames.has(name));
  const inner = new Map([...inputs, ...outputs].map(({ name }) => [name, fresh(`${name}_float32`)]));
  const rename = (name: string) => inner.get(name) ?? name;
  const cast = (from: string, to: string, type: number) =>
    makeNode('Cast', [from], [to], { to: type }, { name: fresh(`Cast_${to}`) });
  const node: NodeProto[] = [
    ...inputs.map(({ name }) => cast(name, rename(name), FLOAT)),
    ...graph.node.map((old) => ({ ...renameReadings(old, rename), output: old.output.map(rename) })),
    ...outputs.map((value) => cast(rename(value.name), value.name, elementType(value))),
  ];

  const initializer = graph.initializer.map((tensor) =>
    inputNames.has(tensor.name) ? tensor : { ...tensor, name: rename(tensor.name) },
  );

  return { ...graph, node, initializer };
}
