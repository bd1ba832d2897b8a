import { smallest } from '@quantsmith/schemas';
import type { HostTensor, TensorData } from '@quantsmith/model/arrays';
import { freeTensors, freshNames, mapBodies, type Graph } from '@quantsmith/model/graph';
import { makeNode, type AttributeProto, type GraphProto, type NodeProto } from '@quantsmith/model/onnx';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Feeds, Results } from '../runtime/batch.js';

/** A body of If, Loop or Scan. */
export interface BodyPlace {
  readonly owner: NodeProto;
  /** The attribute that holds it. */
  readonly attribute: string;
  readonly graph: GraphProto;
}

/** How to see what bodies of a node are given. */
export interface Watch {
  readonly places: readonly BodyPlace[];
  /** The node, perhaps with further outputs. */
  readonly node: NodeProto;
  /** Tensors of the graph around that have to be fetched. */
  readonly tensors: readonly string[];
  /** What each body was given in one run, round by round. */
  readonly read: (tensors: Results) => { readonly place: BodyPlace; readonly feeds: Feeds[] }[];
}

/** Rounds of a loop that are looked at in one run, evenly spread. */
const ROUNDS = 8;

/** How to see what the bodies of a node are given. */
export function watchBodies({ model, graph }: PreparedModel, owner: NodeProto): Watch {
  const places = owner.attribute.flatMap(({ name, g }): BodyPlace[] =>
    g === undefined ? [] : [{ owner, attribute: name, graph: g }],
  );

  return owner.opType === 'If'
    ? watchBranches(graph, owner, places)
    : watchRounds(graph, owner, places[0]!, freshNames(model));
}

/** Tensors that a body reads from outside and that are no constants. */
export function outsideTensors(graph: Graph, body: GraphProto): string[] {
  return [...freeTensors(body)].filter((tensor) => !graph.isConstant(tensor));
}

function watchBranches(graph: Graph, owner: NodeProto, places: readonly BodyPlace[]): Watch {
  const [condition = ''] = owner.input;
  const outside = new Map(places.map((place) => [place, outsideTensors(graph, place.graph)]));
  return {
    places,
    node: owner,
    tensors: [condition, ...[...outside.values()].flat()],
    read(tensors) {
      const taken = Number(tensors[condition]?.data[0]) === 1 ? 'then_branch' : 'else_branch';
      return places
        .filter(({ attribute }) => attribute === taken)
        .map((place) => ({ place, feeds: [pick(tensors, outside.get(place)!)] }));
    },
  };
}

/** Loop and Scan hand out what they gather of all rounds: so also what each round was given. */
function watchRounds(
  graph: Graph,
  owner: NodeProto,
  place: BodyPlace,
  fresh: (base: string) => string,
): Watch {
  const body = place.graph;
  const seen = body.input.map(({ name }) => ({
    name,
    inside: fresh(`${name}_seen`),
    all: fresh(`${name}_all`),
  }));
  const node = [
    ...body.node,
    ...seen.map(({ name, inside }) => makeNode('Identity', [name], [inside], {}, { name: inside })),
  ];
  const output = [
    ...body.output,
    ...seen.map(({ inside }) => ({ ...body.output[0]!, type: undefined, name: inside })),
  ];
  const watched = { ...body, node, output } as GraphProto;
  const written = owner.opType === 'Loop' ? body.output.length - 1 : body.output.length;
  const outputs = Array.from({ length: written }, (_, i) => owner.output[i] || fresh(`${owner.name}_output`));
  const outside = outsideTensors(graph, body);

  const { attribute } = mapBodies(owner, () => watched);

  return {
    places: [place],
    node: {
      ...owner,
      output: [...outputs, ...seen.map(({ all }) => all)],
      attribute: attribute.map((proto) => withAxes(proto, seen.length)),
    },
    tensors: [...outside, ...seen.map(({ all }) => all)],
    read(tensors) {
      const rounds = smallest(seen.map(({ all }) => tensors[all]?.dims[0] ?? 0));
      const step = Math.max(1, Math.ceil(rounds / ROUNDS));
      const chosen = Array.from({ length: Math.ceil(rounds / step) }, (_, i) => i * step);
      const around = pick(tensors, outside);
      const feeds = chosen.map((round) => ({
        ...around,
        ...Object.fromEntries(seen.map(({ name, all }) => [name, roundOf(tensors[all]!, round)])),
      }));

      return [{ place, feeds }];
    },
  };
}

/** Scan states an axis and a direction for each output that it gathers. */
function withAxes(attribute: AttributeProto, added: number): AttributeProto {
  const states = attribute.name === 'scan_output_axes' || attribute.name === 'scan_output_directions';
  return states ? { ...attribute, ints: [...attribute.ints, ...Array<bigint>(added).fill(0n)] } : attribute;
}

function pick(tensors: Results, names: readonly string[]): Feeds {
  return Object.fromEntries(names.map((name) => [name, tensors[name]!]));
}

function roundOf({ type, dims, data }: HostTensor, round: number): HostTensor {
  const length = data.length / dims[0]!;
  const part = (data as Float32Array).slice(round * length, (round + 1) * length) as TensorData;
  return { type, dims: dims.slice(1), data: part };
}

/** The output of a body that decides whether there is another round; undefined: there is none. */
export function decidingOutput({ owner, graph }: BodyPlace): string | undefined {
  return owner.opType === 'Loop' ? graph.output[0]?.name : undefined;
}
