import type { HostTensor } from '@quantsmith/model/arrays';
import type { Graph } from '@quantsmith/model/graph';
import type { ModelProto } from '@quantsmith/model/onnx';
import { isLinear } from '@quantsmith/model/operators';
import { operatorsServed, quantizedOperators } from '../placement/revert.js';
import type { ActivationQuantizer } from '../placement/types.js';
import { sessionOptions, writtenPlacement, type Quantization } from '../quantize/quantization.js';
import type { Feeds, Results } from '../runtime/batch.js';
import { aloneModel } from './alone.js';
import { rangeUse, type RangeUse } from './ranges.js';
import { FLOATS, floatOutputs, noiseOf, tensorsOf, type KeptTensors, type Tensors } from './tensors.js';
import { weightUse, type WeightUse } from './weights.js';

/** One operator of a finished model beside the float model. */
export interface LayerProfile {
  readonly name: string;
  readonly op: string;
  readonly quantized: boolean;
  /**
   * Of its first output in dB, everything that went wrong before it included; null: not float, or not in both models;
   * Infinity: equal.
   */
  readonly sqnrDb: number | null;
  /** The same with its inputs as the float model has them: its own rounding alone; null: not looked at. */
  readonly aloneDb: number | null;
  /** The activations that it reads rounded. */
  readonly inputs: readonly RangeUse[];
  readonly weights: WeightUse | null;
  /** Layers whose outputs it reads, through operators that are none. */
  readonly before: readonly string[];
}

export interface ProfileInput {
  readonly quantization: Quantization;
  readonly final: ModelProto;
  readonly reverted: ReadonlySet<string>;
  readonly samples: readonly Feeds[];
  readonly threads: number;
  /** Whether each operator is looked at alone, too. */
  readonly alone: boolean;
  /** Keeps the float model's tensors for the next quantization of it; left out: nothing is kept. */
  readonly kept?: KeptTensors;
  /** Is given the float model's and the quantized model's output of each layer on the first sample. */
  readonly onTensors?: (layer: string, float: HostTensor, quantized: HostTensor) => void;
}

export interface Profile {
  readonly layers: readonly LayerProfile[];
  /** What the float model gives for each of the samples that were looked at: large tensors leave room for few. */
  readonly outputs: readonly Results[];
}

/** Every operator that is quantized, was before restoration, has weights, or is faster in float, in the order of the graph. */
export async function profileLayers(input: ProfileInput): Promise<Profile> {
  const { quantization, final, reverted, threads } = input;
  const { prepared, placement } = quantization;
  const { graph, dir, model } = prepared;
  const isQuantized = new Set(quantizedOperators(graph, placement));
  const slow = placement.slow ?? new Set<string>();
  const nodes = graph.nodes.filter(
    (node) => isQuantized.has(node.name) || isLinear(node) || slow.has(node.name),
  );
  const quantizers = writtenQuantizers(quantization, reverted);
  const isFloat = (name: string) => FLOATS.has(graph.type(name)?.elemType ?? 0);
  const inFinal = new Set(final.graph?.node.flatMap((node) => node.output) ?? []);
  const results = nodes
    .map((node) => node.output[0] ?? '')
    .filter((name) => inFinal.has(name) && isFloat(name));
  const inputs = new Set(graph.inputs);
  const read = quantizers.map(({ tensor }) => tensor).filter((name) => !inputs.has(name) && isFloat(name));

  const outputs = floatOutputs(graph);
  const wanted = [...new Set([...results, ...read, ...outputs])];
  const run = () => tensorsOf(model, wanted, input.samples, { threads, dir });
  const float = await (input.kept?.(wanted, run) ?? run());
  const samples = input.samples.slice(0, float.length);
  const actual = await tensorsOf(final, results, samples, { threads, ...sessionOptions(quantization) });
  const isolated = input.alone ? await aloneTensors(input, results, float) : null;

  for (const { name, output } of nodes) {
    const [expected, quantized] = [float[0]?.[output[0] ?? ''], actual[0]?.[output[0] ?? '']];
    if (expected !== undefined && quantized !== undefined) input.onTensors?.(name, expected, quantized);
  }

  const sqnr = noiseOf(results, float, actual);
  const alone = isolated === null ? null : noiseOf(results, float, isolated);
  const uses = rangeUses(quantization, quantizers, samples, float);
  const served = operatorsServed(graph, placement);
  const before = layersBefore(graph, new Set(nodes.map(({ name }) => name)));

  const layers = nodes.map((node) => {
    const [result = ''] = node.output;
    const computes = isQuantized.has(node.name) && !reverted.has(node.name);
    return {
      ...{ name: node.name, op: node.opType, quantized: computes },
      sqnrDb: sqnr.get(result) ?? null,
      aloneDb: alone?.get(result) ?? null,
      inputs: quantizers
        .filter(
          ({ id, targets }) =>
            served.get(id)?.has(node.name) ?? targets.some((port) => port.node === node.name),
        )
        .flatMap(({ id }) => uses.get(id) ?? []),
      weights: computes ? weightUse(quantization, node.name) : null,
      before: before.get(node.name) ?? [],
    };
  });

  return {
    layers,
    outputs: float.map((tensors) => Object.fromEntries(outputs.map((name) => [name, tensors[name]!]))),
  };
}

function writtenQuantizers(
  { prepared, placement, runtime, activationConfig, activations, unfit }: Quantization,
  reverted: ReadonlySet<string>,
): readonly ActivationQuantizer[] {
  const float = new Set([...reverted, ...(unfit ?? [])]);
  const written = writtenPlacement(prepared.graph, placement, runtime, activationConfig, float);
  return written.activations.filter(({ id }) => activations.has(id));
}

async function aloneTensors(
  { final, quantization, threads, samples: feeds }: ProfileInput,
  results: readonly string[],
  float: Tensors,
): Promise<Tensors> {
  const { dir } = quantization.prepared;
  const { model, given } = aloneModel(final, new Set(Object.keys(float[0] ?? {})));
  const samples = float.map((tensors, index) => ({
    ...feeds[index],
    ...Object.fromEntries([...given].map(([tensor, name]) => [name, tensors[tensor]!])),
  }));

  return tensorsOf(model, results, samples, { threads, dir, optimization: 'disabled' });
}

/** By quantizer id, from the float model's values. */
function rangeUses(
  { prepared: { graph }, activations }: Quantization,
  quantizers: readonly ActivationQuantizer[],
  samples: readonly Feeds[],
  float: Tensors,
): ReadonlyMap<string, RangeUse> {
  return new Map(
    quantizers.map((quantizer) => {
      const { id, tensor, axis } = quantizer;
      const use = rangeUse(tensor, activations.get(id)!, axis ?? channelAxis(graph, quantizer));
      samples.forEach((feeds, index) => {
        const value = float[index]?.[tensor] ?? feeds[tensor];
        if (value !== undefined && value.type.startsWith('float')) use.add(value);
      });

      return [id, use.result()] as const;
    }),
  );
}

/** Convolutions have their channels behind the samples, all others at the end. */
function channelAxis(graph: Graph, { targets, tensor }: ActivationQuantizer): number {
  const ops = [...targets.map(({ node }) => graph.node(node)), graph.producer(tensor)];
  return ops.some((node) => node?.opType.startsWith('Conv') === true) ? 1 : -1;
}

/** The closest layers in front of each one. */
function layersBefore(graph: Graph, layers: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const behind = new Map<string, ReadonlySet<string>>();
  const before = new Map<string, readonly string[]>();
  for (const node of graph.nodes) {
    const sources = new Set(
      node.input.flatMap((tensor) => {
        const producer = graph.producer(tensor)?.name;
        return producer === undefined ? [] : [...(behind.get(producer) ?? [])];
      }),
    );
    if (layers.has(node.name)) before.set(node.name, [...sources]);
    behind.set(node.name, layers.has(node.name) ? new Set([node.name]) : sources);
  }

  return before;
}
