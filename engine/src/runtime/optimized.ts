import { QuantsmithError } from '@quantsmith/schemas';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type GraphProto, type ModelProto, type NodeProto } from '@quantsmith/model/onnx';
import {
  givesCodes,
  has,
  integerKernel,
  isConversion,
  isDequantize,
  isQuantize,
} from '@quantsmith/model/operators';
import { scratchFailed, withScratchFolder } from './scratch.js';
import { createSession, type SessionOptions } from './session.js';

/** A node of the graph as the runtime executes it. */
export interface RuntimeKernel {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** integer: computes on 8-bit values; conversion: QuantizeLinear or DequantizeLinear; float: everything else. */
  readonly kind: 'integer' | 'conversion' | 'float';
  /** Names of the given model's nodes (without QuantizeLinear and DequantizeLinear) that this kernel stands for. */
  readonly covers: readonly string[];
}

export type OptimizingOptions = Partial<Pick<SessionOptions, 'dir' | 'threads' | 'optimization'>>;

/** The graph that the runtime makes of a model and executes; it is written into a scratch folder, which is gone afterwards. */
export async function optimizedModel(
  model: Uint8Array,
  { dir, threads = 1, optimization = 'all' }: OptimizingOptions = {},
): Promise<ModelProto> {
  return withScratchFolder(async (scratch) => {
    const optimizedPath = join(scratch, 'optimized.onnx');
    const session = await createSession(model, {
      threads,
      optimizedPath,
      optimization,
      ...(dir === undefined ? {} : { dir }),
    }).catch((error: unknown) => {
      // The runtime's words for a full disk; the model itself has been loaded before.
      const isFull = error instanceof QuantsmithError && /serialization failed/i.test(error.message);
      return isFull
        ? scratchFailed(new Error('the optimized model cannot be written there'))
        : rethrow(error);
    });

    await session.release();

    return fromBinary(ModelProtoSchema, await readFile(optimizedPath)) as ModelProto;
  });
}

function rethrow(error: unknown): never {
  throw error;
}

/** What became of a QDQ model in the runtime: its optimized graph, kernel by kernel, found by each output tensor. */
export async function fusedKernels(
  model: Uint8Array,
  options: { dir?: string; threads?: number } = {},
): Promise<ReadonlyMap<string, RuntimeKernel>> {
  return kernelsOf(model, await optimizedModel(model, options));
}

/** The kernels of `optimized`, the runtime's own graph of `model`. */
export function kernelsOf(model: Uint8Array, { graph }: ModelProto): ReadonlyMap<string, RuntimeKernel> {
  const optimized = graph;
  const { graph: source } = fromBinary(ModelProtoSchema, model) as ModelProto;
  const covered = coverage(source, optimized);
  const integers = integerTensors(optimized);
  const kernels = new Map<string, RuntimeKernel>();
  for (const node of optimized.node) {
    const kernel: RuntimeKernel = {
      name: node.name,
      op: node.opType,
      domain: node.domain,
      inputs: node.input,
      outputs: node.output,
      kind: kindOf(node, integers),
      covers: covered(node),
    };

    for (const output of node.output) if (output !== '') kernels.set(output, kernel);
  }

  return kernels;
}

function kindOf(node: NodeProto, integers: ReadonlySet<string>): RuntimeKernel['kind'] {
  if (isConversion(node.opType)) return 'conversion';
  if (integerKernel(node.opType) !== undefined) return 'integer';
  return integers.has(node.output[0] ?? '') ? 'integer' : 'float';
}

/** Tensors of 8-bit values: what quantized kernels make, and what only moves such values (MaxPool, Reshape, …). */
function integerTensors(graph: GraphProto): ReadonlySet<string> {
  const integers = new Set<string>();
  for (const node of graph.node) {
    const [first = ''] = node.input;
    const isKernel = integerKernel(node.opType) !== undefined;
    const isCodes = isQuantize(node.opType) || givesCodes(node);
    const moved = !isDequantize(node.opType) && !isKernel && integers.has(first);
    if (isCodes || moved) for (const output of node.output) integers.add(output);
  }

  return integers;
}

/** What the runtime puts behind the name of a node that it fuses with others. */
const FUSION = /\/\w+Fusion(_token_\d+)?$/;

/**
 * The source nodes that each kernel stands for. The runtime keeps a fused node's name, with `_token_<n>` behind it where
 * it changed the layout, or `/<name>Fusion`; a fusion with a name of its own is found by the tensors it makes; what then is left
 * (a Relu that went into its convolution) belongs to the kernel that feeds it. Nodes of constants belong to none.
 */
function coverage(source: GraphProto, optimized: GraphProto): (kernel: NodeProto) => string[] {
  const producers = new Map(
    source.node.flatMap((node) => node.output.map((tensor) => [tensor, node] as const)),
  );

  const byName = new Map(source.node.map((node) => [node.name, node]));
  const owner = new Map<NodeProto, NodeProto>();
  for (const kernel of optimized.node) {
    const namesake = byName.get(kernel.name.replace(/_token_\d+$/, ''));
    if (namesake !== undefined && !owner.has(namesake)) owner.set(namesake, kernel);
  }

  const named = new Set(owner.values());
  for (const kernel of optimized.node) {
    const part = byName.get(kernel.name.replace(FUSION, ''));
    if (FUSION.test(kernel.name) && part !== undefined && !owner.has(part)) owner.set(part, kernel);
  }

  for (const kernel of optimized.node) {
    if (named.has(kernel) || isConversion(kernel.opType)) continue;
    const bounds = new Set(kernel.input);
    const claim = (tensor: string) => {
      const node = producers.get(tensor);
      if (node === undefined || owner.has(node)) return;
      // The runtime reshapes what it multiplies: that Reshape stands for no operator that computes.
      if (has(kernel, 'reshapes') && !has(node, 'reshapes') && !isConversion(node.opType)) return;
      owner.set(node, kernel);
      for (const input of node.input) if (!bounds.has(input)) claim(input);
    };

    // A blocked convolution is named after the tensor that it stood for.
    const blocked = kernel.name.replace(/_nchwc$/, '');
    for (const output of blocked === kernel.name ? kernel.output : [blocked]) claim(output);
  }

  // Sources come in topological order, so that the kernel of what feeds a node is known before it is asked for.
  for (const node of source.node) {
    const feeding = node.input
      .map((tensor) => producers.get(tensor))
      .find((before) => before !== undefined && owner.has(before));

    if (!owner.has(node) && feeding !== undefined) owner.set(node, owner.get(feeding)!);
  }

  const covers = new Map<NodeProto, string[]>();
  for (const node of source.node) {
    const kernel = owner.get(node);
    if (kernel === undefined || isConversion(node.opType)) continue;
    covers.set(kernel, [...(covers.get(kernel) ?? []), node.name]);
  }

  return (kernel) => covers.get(kernel) ?? [];
}
