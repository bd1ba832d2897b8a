import type { Graph, GraphRewrite } from '@quantsmith/model/graph';
import { makeTensor } from '@quantsmith/model/onnx';
import type { ActivationQuantizer } from '../placement/types.js';
import type { QuantizerParameters } from '../ranges/parameters.js';
import type { InsertedPair } from './passThrough.js';
import { DATA_TYPE, integerTensor, storedParameters } from './storage.js';

/**
 * Puts QuantizeLinear → DequantizeLinear on the quantizer's tensor and lets its targets read the result. A quantizer
 * with fewer levels than its storage type (4 bits, narrow range) gets a Clip before it, since QuantizeLinear saturates
 * only at the storage type's ends.
 */
export function insertActivationQuantizer(
  rewrite: GraphRewrite,
  quantizer: ActivationQuantizer,
  parameters: QuantizerParameters,
  { graph, runtime }: { readonly graph: Graph; readonly runtime: 'onnxruntime' | 'openvino' },
): InsertedPair {
  const { tensor } = quantizer;
  const stored = storedParameters(parameters, runtime);
  const domain = stored.bits > 8 ? 'com.microsoft' : '';
  let source = tensor;
  if (quantizer.atOutput) {
    source = rewrite.freshName(`${tensor}_float`);
    rewrite.renameTensor(tensor, source);
  }

  const scale = rewrite.freshName(`scale_${tensor}_1`);
  const zeroPoint = rewrite.freshName(`zero_point_${tensor}_1`);
  const dims = quantizer.axis === null ? [] : [parameters.scale.length];
  rewrite.addInitializer(makeTensor(scale, dims, DATA_TYPE.float, parameters.scale));
  rewrite.addInitializer(integerTensor(zeroPoint, dims, stored.storage, stored.zeroPoint));

  const clipped = stored.fillsStorage ? source : clipToRange(rewrite, source, quantizer, parameters, graph);
  const codes = rewrite.freshName(`q_output_${tensor}_1`);
  const output = quantizer.atOutput ? tensor : rewrite.freshName(`dq_output_${tensor}_1`);
  const attributes: Record<string, number> = quantizer.axis === null ? {} : { axis: quantizer.axis };
  rewrite.addNode('QuantizeLinear', [clipped, scale, zeroPoint], codes, attributes, {
    name: rewrite.freshName(`QuantizeLinear_${tensor}_1`),
    domain,
  });
  rewrite.addNode('DequantizeLinear', [codes, scale, zeroPoint], output, attributes, {
    name: rewrite.freshName(`DequantizeLinear_${tensor}_1`),
    domain,
  });
  rewrite.rewire(quantizer.targets, output);

  return { scale, zeroPoint, domain };
}

/** Limits the values to [low, high], per channel where the quantizer is. Returns the limited tensor's name. */
function clipToRange(
  rewrite: GraphRewrite,
  source: string,
  quantizer: ActivationQuantizer,
  parameters: QuantizerParameters,
  graph: Graph,
): string {
  const { tensor, axis } = quantizer;
  // One value for each channel, repeated over the axes behind it.
  const behind = axis === null ? 0 : (graph.rank(tensor) ?? 4) - axis - 1;
  const bound = (side: 'low' | 'high') => {
    const name = rewrite.freshName(`${side}_${tensor}_1`);
    const dims = axis === null ? [] : [parameters[side].length, ...Array<number>(behind).fill(1)];
    rewrite.addInitializer(makeTensor(name, dims, DATA_TYPE.float, parameters[side]));
    return name;
  };

  const limited = rewrite.freshName(`clip_output_${tensor}_1`);
  if (axis === null) {
    const name = rewrite.freshName(`Clip_${tensor}_1`);
    rewrite.addNode('Clip', [source, bound('low'), bound('high')], limited, {}, { name });
    return limited;
  }

  const raised = rewrite.freshName(`max_output_${tensor}_1`);
  rewrite.addNode('Max', [source, bound('low')], raised, {}, { name: rewrite.freshName(`Max_${tensor}_1`) });
  rewrite.addNode(
    'Min',
    [raised, bound('high')],
    limited,
    {},
    { name: rewrite.freshName(`Min_${tensor}_1`) },
  );

  return limited;
}
