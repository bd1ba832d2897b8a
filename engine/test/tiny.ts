import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import { type ModelProto, type NodeProto, readFloats, readInts, readModel } from '@quantsmith/model/onnx';
import { floats, model, node, randoms, value } from '../../test/kit/models.js';
import { quantizeModel } from '../../test/kit/quantize.js';

/** What a quantized model holds for one tensor. */
interface Stored {
  readonly scale: number[];
  readonly zeroPoint: number[];
  /** TensorProto.DataType of the codes. */
  readonly type: number;
  /** Of constants. */
  readonly codes: number[];
}

/** A quantized model as numbers. */
export interface Written {
  readonly report: QuantizationReport;
  readonly model: ModelProto;
  readonly nodes: readonly NodeProto[];
  /** The quantizer of an activation. */
  readonly activation: (tensor: string) => Stored | undefined;
  /** The constant that input `index` of a node reads, dequantized or not. */
  readonly constant: (node: string, index: number) => Stored & { readonly values: number[] };
}

/** Two fully connected layers of 16 and 6 values with a ReLU in between, by default with random weights. */
export const tinyMlp = (
  w1: Iterable<number> = randoms(128, 1),
  w2: Iterable<number> = randoms(96, 3),
): ModelProto =>
  model({
    ...{ inputs: [value('x', [1, 8])], outputs: [value('y', [1, 6])] },
    nodes: [
      node('Gemm', ['x', 'w1', 'b1'], ['h'], {}, 'first'),
      node('Relu', ['h'], ['r']),
      node('Gemm', ['r', 'w2', 'b2'], ['y'], {}, 'second'),
    ],
    initializers: [
      ...[floats('w1', [8, 16], w1), floats('b1', [16], randoms(16, 2))],
      ...[floats('w2', [16, 6], w2), floats('b2', [6], randoms(6, 4))],
    ],
  });

/** Quantizes a model with these samples of its one input, and reads what was written. */
export async function quantizeTiny(
  model: ModelProto,
  samples: readonly { shape: readonly number[]; data: readonly number[] }[],
  quantization: QuantizationConfig['quantization'] = {},
): Promise<Written> {
  const { report, output } = await quantizeModel(model, samples, { defaults: 'nncf', ...quantization });
  const { model: written, dir } = await readModel(output);
  return { report, model: written, nodes: written.graph.node, ...reader(written, dir) };
}

function reader(model: ModelProto, dir: string): Pick<Written, 'activation' | 'constant'> {
  const { node, initializer } = model.graph;
  const constants = new Map(initializer.map((tensor) => [tensor.name, tensor]));
  const floats = (name: string) => Array.from(readFloats(constants.get(name)!, dir));
  const integers = (name: string) => Array.from(readInts(constants.get(name)!, dir), Number);
  const parametersOf = ({ input: [, scale = '', zero = ''] }: NodeProto) => ({
    scale: floats(scale),
    zeroPoint: zero === '' ? [] : integers(zero),
    type: constants.get(zero)?.dataType ?? 0,
  });
  return {
    activation(tensor) {
      // Ranges of fewer codes than their type has are cut in front of the quantizer.
      const cut = node.find((n) => n.opType === 'Clip' && n.input[0] === tensor)?.output[0];
      const read = [tensor, cut];
      const found = node.find((n) => n.opType === 'QuantizeLinear' && read.includes(n.input[0]));
      return found === undefined ? undefined : { ...parametersOf(found), codes: [] };
    },
    constant(name, index) {
      const tensor = node.find((n) => n.name === name)!.input[index]!;
      const reading = node.find((n) => n.output[0] === tensor);
      if (reading === undefined) {
        return { scale: [], zeroPoint: [], type: 1, codes: [], values: floats(tensor) };
      }

      const parameters = parametersOf(reading);
      const codes = integers(reading.input[0]!);
      const per = codes.length / parameters.scale.length;
      const values = codes.map((code, i) => {
        const c = Math.floor(i / per);
        return (code - (parameters.zeroPoint[c] ?? 0)) * parameters.scale[c]!;
      });
      return { ...parameters, codes, values };
    },
  };
}
