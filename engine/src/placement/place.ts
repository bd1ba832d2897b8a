import { ElementType } from '@quantsmith/model/onnx';
import type { Graph } from '@quantsmith/model/graph';
import {
  decidingIgnored,
  emptyIgnored,
  postProcessingIgnored,
  squeezeExcitationIgnored,
  transformerIgnored,
} from './ignored.js';
import { fusedInterior } from './patterns.js';
import { propagateQuantizers } from './propagate.js';
import type {
  ActivationQuantizer,
  LayerSettings,
  Placement,
  QuantizerConfig,
  TargetRuntime,
} from './types.js';
import { placeWeights, type OverflowFix } from './weights.js';

export interface PlacementOptions {
  /** The runtime whose kernels the layout must fit. */
  readonly runtime: TargetRuntime;
  readonly targetDevice: string;
  readonly transformer: boolean;
  readonly activations: QuantizerConfig;
  /** Whether the user asked for (or against) per-channel activations; null: the runtime's own choice. */
  readonly perChannelActivations: boolean | null;
  readonly weights: QuantizerConfig;
  readonly quantizeOutputs: boolean;
  readonly overflowFix: OverflowFix;
  /** What the small convolutions of squeeze-and-excitation compute in. */
  readonly squeezeExcitation: 'float' | 'integer';
  /** Whether everything that has an integer kernel is quantized; left out: as NNCF places quantizers. */
  readonly everyKernel?: boolean;
  /** Whether all weights are, those of operators without an integer kernel too. */
  readonly everyWeight?: boolean;
  /** Names of nodes that the user wants float. */
  readonly ignored: ReadonlySet<string>;
  /** Further tensors that decide what is computed; left out: none. */
  readonly deciding?: readonly string[];
  /** What the user states of single nodes. */
  readonly layers?: ReadonlyMap<string, LayerSettings>;
}

/**
 * Decides which edges get quantizers. Pure: depends on the graph and the options alone. The result is NNCF's layout;
 * `completeForRuntime` adds what ONNX Runtime's CPU provider needs for integer kernels.
 */
export function placeQuantizers(graph: Graph, options: PlacementOptions): Placement {
  const ignored = new Set([
    ...options.ignored,
    ...(options.squeezeExcitation === 'float' ? squeezeExcitationIgnored(graph) : []),
    ...emptyIgnored(graph),
    ...postProcessingIgnored(graph),
    ...decidingIgnored(graph, options.deciding),
    ...(options.transformer ? transformerIgnored(graph, options.targetDevice) : []),
  ]);
  const activations = propagateQuantizers(graph, {
    activations: { ...options.activations, perChannel: options.perChannelActivations ?? false },
    // OpenVINO has kernels for per-channel activations of depthwise convolutions; ONNX Runtime has none.
    perChannelDepthwise: options.runtime === 'openvino' && options.perChannelActivations === null,
    ignored,
    interior: fusedInterior(graph),
    transformer: options.transformer,
    kernelsOnly: options.runtime === 'onnxruntime',
    everyKernel: options.everyKernel === true && options.runtime === 'onnxruntime',
    layers: options.layers ?? new Map(),
  });
  const weights = placeWeights(graph, {
    runtime: options.runtime,
    config: options.weights,
    overflowFix: options.overflowFix,
    // What a decision hangs on is not rounded; of all else the file may become smaller.
    ignored:
      options.everyWeight === true ? new Set([...options.ignored, ...decidingIgnored(graph)]) : ignored,
    everyWeight: options.everyWeight === true,
    layers: options.layers ?? new Map(),
  });

  const placement = { activations, weights, float: options.ignored };

  return options.quantizeOutputs ? quantizeOutputs(graph, placement, options.activations) : placement;
}

/** A quantizer before every float model output that has a producer. */
function quantizeOutputs(graph: Graph, placement: Placement, config: QuantizerConfig): Placement {
  const byTensor = new Map(placement.activations.map((quantizer) => [quantizer.tensor, quantizer]));
  for (const tensor of graph.outputs) {
    // Sequences and optional values have no type here.
    if (graph.producer(tensor) === undefined || graph.type(tensor)?.elemType !== ElementType.FLOAT) continue;
    const existing: ActivationQuantizer = byTensor.get(tensor) ?? {
      id: `activation:${tensor}`,
      tensor,
      targets: [],
      config: { ...config, perChannel: false },
      axis: null,
      unified: null,
      atOutput: true,
    };

    byTensor.set(tensor, { ...existing, atOutput: true });
  }

  return { ...placement, activations: [...byTensor.values()] };
}
