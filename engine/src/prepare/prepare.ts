import {
  type LoadedModel,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  nameNodes,
  subgraphs,
} from '@quantsmith/model/onnx';
import {
  cannotPrepare,
  nothingToQuantize,
  operatorsInBodies,
  structureOfModel,
} from '@quantsmith/model/refusals';
import { upgradeModel } from '@quantsmith/model/upgrade';
import type { NamedNode } from '@quantsmith/model/scope';
import { fail, QuantsmithError, type Problem } from '@quantsmith/schemas';
import { constantsAsInitializers, foldConstants } from './foldConstants.js';
import { expandEinsum } from './expandEinsum.js';
import { rewrite } from './passes.js';
import {
  denseConstants,
  indexGraph,
  inlineFunctions,
  type Graph,
  type TensorType,
} from '@quantsmith/model/graph';
import { rankInputs, settleInputs } from './modelInputs.js';
import { raiseFloats } from './raiseFloats.js';
import { dropNoOps } from './noOps.js';
import { trimOutputs } from './trimOutputs.js';
import { inferTypes } from './types.js';
import { unfuse } from './unfuse.js';

/** A float model ready for placement: operator set 13 or later, unique names, constants and BatchNorms folded. */
export interface PreparedModel {
  readonly model: ModelProto;
  readonly graph: Graph;
  /** Folder of the external data. */
  readonly dir: string;
  /** The narrow float type (TensorProto.DataType) in which the user's model keeps its weights, or null. */
  readonly storedAs: number | null;
  /** Inputs and outputs that are bfloat16 in the user's model, and float32 in this one. */
  readonly bfloat16Border: readonly string[];
  /** The nodes of the user's model with the prepared nodes that took their place. */
  readonly originals: readonly NamedNode[];
  /** One of severity error: the model was prepared, and there is nothing in it to quantize. */
  readonly problems: readonly Problem[];
}

/**
 * Prepares a model for quantization; its outputs stay equal within float rounding. `opset`: the least operator set of
 * the result (default 13; a higher one of the model stays). Throws what
 * `cannotPrepare` finds, `operator-not-upgradable` or the runtime's reason for not loading it.
 */
export async function prepareModel(
  loaded: LoadedModel,
  options: { readonly opset?: number } = {},
): Promise<PreparedModel> {
  const { dir, path } = loaded;
  const named = nameNodes(loaded.model);
  const expanded = denseConstants(inlineFunctions(named.model), dir);
  const structure = structureOfModel(expanded);
  const refusal = cannotPrepare(structure);
  if (refusal !== null) throw new QuantsmithError({ ...refusal, file: path });
  const empty = nothingToQuantize(structure);
  const trimmed = { ...expanded, graph: trimOutputs(expanded.graph) };
  const settled = settleInputs(constantsAsInitializers(trimmed));
  const raised = raiseFloats(rankInputs(settled.model), dir);
  const opened = raised.model;
  // The flattening Softmax of old operator sets asks for ranks, a Cast for the type that is there.
  const before = await withFile(path, () => {
    indexGraph(opened); // A cycle is said so, before the runtime stumbles over it.
    return inferTypes(opened, dir);
  });

  const upgraded = upgradeModel(opened, indexGraph(opened, before).rank, options.opset);
  const blocking = upgraded.problems.find((problem) => problem.severity === 'error');
  if (blocking !== undefined)
    fail(blocking.code, blocking.message, { file: path, data: { ...blocking.data } });
  const folded = await withFile(path, () =>
    foldConstants(dropNoOps(plainProducts(upgraded.model, before), before), dir),
  );
  const { model, types, problems } = await rewrite(folded.model, folded.types, dir);
  const graph = indexGraph(model, types);

  return {
    model,
    graph,
    dir,
    storedAs: raised.storedAs,
    bfloat16Border: raised.bfloat16Border,
    originals: traceOriginals(named.model, expanded, graph),
    problems: [
      ...[named, settled, raised, upgraded, { problems }].flatMap((step) => step.problems),
      ...operatorsInBodies(structure),
      ...(empty === null ? [] : [{ ...empty, file: path }]),
    ],
  };
}

/** Products in other forms as the operators that have integer kernels. */
function plainProducts(model: ModelProto, types: ReadonlyMap<string, TensorType>): ModelProto {
  const unfused = unfuse(model, indexGraph(model, types));
  return expandEinsum(unfused, indexGraph(unfused, types));
}

/** The prepared model with other nodes (in any order) and further constants; constants that nobody reads go. */
export async function withGraph(
  prepared: PreparedModel,
  node: NodeProto[],
  constants: readonly TensorProto[],
): Promise<PreparedModel> {
  const graph = prepared.model.graph;
  const read = new Set([...node.flatMap((reader) => reader.input), ...prepared.graph.outputs]);
  const initializer = [...graph.initializer, ...constants].filter(
    ({ name }) => read.has(name) || prepared.graph.isCaptured(name) || prepared.graph.isOptional(name),
  );

  const model: ModelProto = { ...prepared.model, graph: { ...graph, node, initializer } };
  const index = indexGraph(model, await inferTypes(model, prepared.dir));
  const ordered = { ...model, graph: { ...model.graph, node: [...index.nodes] } };

  return { ...prepared, model: ordered, graph: index };
}

/** What the runtime says against the model is said of its file. */
async function withFile<T>(path: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof QuantsmithError) || error.problem.file !== undefined) throw error;
    const { code, message, data } = error.problem;
    return fail(code, `${path}: ${message}`, {
      file: path,
      ...(data === undefined ? {} : { data: { ...data } }),
    });
  }
}

/**
 * Where each node of the user's model went: to the prepared node of the same name, else to the one that makes the
 * first tensor behind it which still exists (a BatchNorm folded into its Conv leads to that Conv). What its functions hold has names
 * too: those of `expanded`.
 */
function traceOriginals(original: ModelProto, expanded: ModelProto, prepared: Graph): NamedNode[] {
  const nodes = original.graph.node;
  const functions = new Set(original.functions.map(({ name }) => name));
  const trace = placeIn(nodes, prepared);
  const outside = nodes.map((node) => {
    // The nodes of a function's body are named after its call.
    const inlined = functions.has(node.opType)
      ? prepared.nodes.map(({ name }) => name).filter((name) => name.startsWith(`${node.name}/`))
      : [];

    return {
      ...{ name: node.name, op: node.opType },
      prepared: inlined.length > 0 ? inlined : trace(node.name),
    };
  });

  const stated = new Set(nodes.map(({ name }) => name));
  const traceExpanded = placeIn(expanded.graph.node, prepared);
  const held = expanded.graph.node
    .filter(({ name }) => !stated.has(name))
    .map(({ name, opType }) => ({ name, op: opType, prepared: traceExpanded(name) }));

  const inside = nodesInBodies(nodes).map(({ name, opType }) => ({
    ...{ name, op: opType },
    // Those of a branch that is always taken are nodes of the graph.
    prepared: prepared.node(name) === undefined ? [] : [name],
  }));

  return [...outside, ...held, ...inside];
}

/** Finds the prepared node that took the place of one of some nodes; none: it was folded away. */
function placeIn(nodes: readonly NodeProto[], prepared: Graph): (name: string) => readonly string[] {
  const readers = new Map<string, string[]>();
  const outputsOf = new Map(nodes.map((node) => [node.name, node.output]));
  for (const node of nodes) {
    for (const tensor of node.input) readers.set(tensor, [...(readers.get(tensor) ?? []), node.name]);
  }

  return (name) => {
    if (prepared.node(name) !== undefined) return [name];
    let current: string | undefined = name;
    for (let hops = 0; current !== undefined && hops < 8; hops++) {
      const outputs: readonly string[] = outputsOf.get(current) ?? [];
      const producer = outputs.map((tensor) => prepared.producer(tensor)).find((node) => node !== undefined);
      if (producer !== undefined) return [producer.name];
      const next: string[] = outputs.flatMap((tensor) => readers.get(tensor) ?? []);
      current = new Set(next).size === 1 ? next[0] : undefined;
    }

    return [];
  };
}

function nodesInBodies(nodes: readonly NodeProto[]): NodeProto[] {
  return nodes.flatMap((node) =>
    subgraphs(node).flatMap((body) => [...body.node, ...nodesInBodies(body.node)]),
  );
}
