import type { LoadedModel } from '../onnx/read.js';
import type { ModelProto } from '../onnx/onnx_pb.js';
import { nameNodes } from '../onnx/names.js';
import { upgradeModel } from '../onnx/upgrade.js';
import type { NamedNode } from '../placement/ignore.js';
import { fail, type Problem } from '../problem.js';
import { foldBatchNorms } from './foldBatchNorm.js';
import { foldConstants } from './foldConstants.js';
import { fuseGemms } from './fuseGemm.js';
import { indexGraph, type Graph, type TensorType } from './graph.js';
import { dropNoOps } from './noOps.js';
import { declaredType, inferTypes } from './types.js';

/** A float model ready for placement: operator set 13 or later, unique names, constants and BatchNorms folded. */
export interface PreparedModel {
  readonly model: ModelProto;
  readonly graph: Graph;
  /** Folder of the external data. */
  readonly dir: string;
  /** The nodes of the user's model with the prepared nodes that took their place. */
  readonly originals: readonly NamedNode[];
  readonly problems: readonly Problem[];
}

const QUANTIZED = new Set([
  'QuantizeLinear',
  'DynamicQuantizeLinear',
  'QLinearConv',
  'QLinearMatMul',
  'ConvInteger',
  'MatMulInteger',
]);

/**
 * Prepares a model for quantization; its outputs stay equal within float rounding. Throws `already-quantized`,
 * `opset-unsupported`, `operator-not-upgradable` or the runtime's reason for not loading it.
 */
export async function prepareModel(loaded: LoadedModel): Promise<PreparedModel> {
  const named = nameNodes(loaded.model);
  refuseQuantized(named.model, loaded.path);
  const ranks = ranksOf(named.model);
  const upgraded = upgradeModel(named.model, ranks);
  const blocking = upgraded.problems.find((problem) => problem.severity === 'error');
  if (blocking !== undefined)
    fail(blocking.code, blocking.message, { file: loaded.path, data: { ...blocking.data } });
  const { dir } = loaded;
  let model = dropNoOps(upgraded.model);
  model = await foldConstants(model, dir);
  let types: ReadonlyMap<string, TensorType> = await inferTypes(model);
  model = foldBatchNorms(model, dir);
  model = fuseGemms(model, indexGraph(model, types));
  types = await inferTypes(model);
  const graph = indexGraph(model, types);
  return {
    model,
    graph,
    dir,
    originals: traceOriginals(named.model, graph),
    problems: [...named.problems, ...upgraded.problems],
  };
}

function refuseQuantized(model: ModelProto, path: string): void {
  const found = model.graph!.node.find(
    (node) => QUANTIZED.has(node.opType) || node.opType.startsWith('QLinear'),
  );
  if (found === undefined) return;
  fail('already-quantized', `${path} is quantized already: node "${found.name}" is a ${found.opType}.`, {
    file: path,
    data: { node: found.name, op: found.opType },
  });
}

/** Ranks that the file itself states; only the flattening Softmax of old operator sets asks for them. */
function ranksOf(model: ModelProto): (tensor: string) => number | undefined {
  const graph = model.graph!;
  const declared = new Map(
    [...graph.input, ...graph.valueInfo, ...graph.output].map((value) => [
      value.name,
      declaredType(value)?.dims?.length,
    ]),
  );
  return (tensor) => declared.get(tensor);
}

/**
 * Where each node of the user's model went: to the prepared node of the same name, else to the one that makes the
 * first tensor behind it which still exists (a BatchNorm folded into its Conv leads to that Conv).
 */
function traceOriginals(original: ModelProto, prepared: Graph): NamedNode[] {
  const readers = new Map<string, string[]>();
  const nodes = original.graph!.node;
  const outputsOf = new Map(nodes.map((node) => [node.name, node.output]));
  for (const node of nodes) {
    for (const tensor of node.input) readers.set(tensor, [...(readers.get(tensor) ?? []), node.name]);
  }
  const successor = (name: string): string | undefined => {
    let current: string | undefined = name;
    for (let hops = 0; current !== undefined && hops < 8; hops++) {
      const outputs: readonly string[] = outputsOf.get(current) ?? [];
      const producer = outputs.map((tensor) => prepared.producer(tensor)).find((node) => node !== undefined);
      if (producer !== undefined) return producer.name;
      const next: string[] = outputs.flatMap((tensor) => readers.get(tensor) ?? []);
      current = new Set(next).size === 1 ? next[0] : undefined;
    }
    return undefined;
  };
  return nodes.map((node) => {
    const place = prepared.node(node.name)?.name ?? successor(node.name);
    return { name: node.name, op: node.opType, prepared: place === undefined ? [] : [place] };
  });
}
