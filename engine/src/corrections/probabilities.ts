import { has } from '@quantsmith/model/operators';
import type { ActivationQuantizer } from '../placement/types.js';
import { outputBehindActivation, readsCodes } from '../placement/runtimeLayout.js';
import { inFloat } from '../quantize/refused.js';
import { writtenPlacement, type Quantization } from '../quantize/quantization.js';
import type { QuantizerParameters } from '../ranges/parameters.js';

/** Share of the codes that probabilities must use under the scale 1/256: half of them costs one bit. */
const LEAST_TOP = 0.5;

/**
 * ONNX Runtime's integer Softmax (up to 1.30) does not saturate: a probability above the range wraps to a low code, and with
 * other scales than 1/256 one code in four is off by one. So the range of probabilities is [0, 1] with that scale; where they
 * are so small that this would cost more than one bit, Softmax reads float values and rounds its result, which saturates.
 */
export function exactProbabilities(quantization: Quantization): Quantization {
  const { prepared, placement, runtime, activationConfig } = quantization;
  if (runtime !== 'onnxruntime') return quantization;
  const written = writtenPlacement(prepared.graph, placement, runtime, activationConfig);
  const byTensor = new Map(written.activations.map((quantizer) => [quantizer.tensor, quantizer]));
  const activations = new Map(quantization.activations);
  const float = new Set<string>();
  for (const node of prepared.graph.nodes.filter((candidate) => has(candidate, 'probabilities'))) {
    const direct = byTensor.get(node.output[0] ?? '');
    // The runtime takes a Relu or Clip in between into the quantizer, whose range is another one then.
    const quantizer = direct ?? byTensor.get(outputBehindActivation(prepared.graph, node));
    const parameters = activations.get(quantizer?.id ?? '');
    if (quantizer === undefined || parameters === undefined) continue;
    if (!readsCodes(prepared.graph, written, node)) continue;
    if (direct !== undefined && fitsWhole(quantizer, parameters))
      activations.set(quantizer.id, wholeRange(parameters));
    else float.add(node.name);
  }

  return inFloat({ ...quantization, activations }, float);
}

/** Codes of 8 unsigned bits that no other tensor shares. */
function fitsWhole({ unified, axis }: ActivationQuantizer, parameters: QuantizerParameters): boolean {
  const { storage, numBits, zeroPoint, high } = parameters;
  const plain = unified === null && axis === null && storage === 'uint8' && numBits === 8;
  return plain && zeroPoint[0] === 0 && high[0]! >= LEAST_TOP;
}

function wholeRange(parameters: QuantizerParameters): QuantizerParameters {
  return {
    ...parameters,
    low: Float32Array.of(0),
    high: Float32Array.of(255 / 256),
    scale: Float32Array.of(1 / 256),
  };
}
