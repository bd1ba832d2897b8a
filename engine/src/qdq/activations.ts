import type { Graph } from '@quantsmith/model/graph';
import { makeTensor } from '@quantsmith/model/onnx';
import type { ActivationQuantizer } from '../placement/types.js';
import type { QuantizerParameters } from '../ranges/parameters.js';
import type { Draft } from './draft.js';
import type { InsertedPair } from './passThrough.js';
import { DATA_TYPE, integerTensor, storedParameters } from './storage.js';

/**
 * Puts QuantizeLinear → DequantizeLinear on the quantizer's tensor and lets its targets read the result. A quantizer
 * with fewer levels than its storage type (4 bits, narrow range) gets a Clip before it, since QuantizeLinear saturates
 * only at the storage type's ends.
 */
export function insertActivationQuantizer(
  draft: Draft,
  quantizer: ActivationQuantizer,
  parameters: QuantizerParameters,
  { graph, runtime }: { readonly graph: Graph; readonly runtime: 'onnxruntime' | 'openvino' },
): InsertedPair {
  const { tensor } = quantizer;
  const stored = storedParameters(parameters, runtime);
  const domain = stored.bits > 8 ? 'com.microsoft' : '';
  let source = tensor;
  if (quantizer.atOutput) {
    source = draft.freshName(`${tensor}_float`);
    draft.renameTensor(tensor, source);
  }

  const scale = draft.freshName(`scale_${tensor}_1`);
  const zeroPoint = draft.freshName(`zero_point_${tensor}_1`);
  const dims = quantizer.axis === null ? [] : [parameters.scale.length];
  draft.addInitializer(makeTensor(scale, dims, DATA_TYPE.float, parameters.scale));
  draft.addInitializer(integerTensor(zeroPoint, dims, stored.storage, stored.zeroPoint));

  const clipped = stored.fillsStorage ? source : clipToRange(draft, source, quantizer, parameters, graph);
  const codes = draft.freshName(`q_output_${tensor}_1`);
  const output = quantizer.atOutput ? tensor : draft.freshName(`dq_output_${tensor}_1`);
  const attributes: Record<string, number> = quantizer.axis === null ? {} : { axis: quantizer.axis };
  draft.addNode('QuantizeLinear', [clipped, scale, zeroPoint], codes, attributes, {
    name: draft.freshName(`QuantizeLinear_${tensor}_1`),
    domain,
  });
  draft.addNode('DequantizeLinear', [codes, scale, zeroPoint], output, attributes, {
    name: draft.freshName(`DequantizeLinear_${tensor}_1`),
    domain,
  });
  draft.rewire(quantizer.targets, output);

  return { scale, zeroPoint, domain };
}

/** Limits the values to [low, high], per channel where the quantizer is. Returns the limited tensor's name. */
function clipToRange(
  draft: Draft,
  source: string,
  quantizer: ActivationQuantizer,
  parameters: QuantizerParameters,
  graph: Graph,
): string {
  const { tensor, axis } = quantizer;
  // One value for each channel, repeated over the axes behind it.
  const behind = axis === null ? 0 : (graph.rank(tensor) ?? 4) - axis - 1;
  const bound = (side: 'low' | 'high') => {
    const name = draft.freshName(`${side}_${tensor}_1`);
    const dims = axis === null ? [] : [parameters[side].length, ...Array<number>(behind).fill(1)];
    draft.addInitializer(makeTensor(name, dims, DATA_TYPE.float, parameters[side]));
    return name;
  };

  const limited = draft.freshName(`clip_output_${tensor}_1`);
  if (axis === null) {
    const name = draft.freshName(`Clip_${tensor}_1`);
    draft.addNode('Clip', [source, bound('low'), bound('high')], limited, {}, { name });
    return limited;
  }

  const raised = draft.freshName(`max_output_${tensor}_1`);
  draft.addNode('Max', [source, bound('low')], raised, {}, { name: draft.freshName(`Max_${tensor}_1`) });
  draft.addNode('Min', [raised, bound('high')], limited, {}, { name: draft.freshName(`Min_${tensor}_1`) });

  return limited;
}
