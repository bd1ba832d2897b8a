import { makeTensor, readFloats, type ModelProto } from '@quantsmith/model/onnx';

/** The model with the values of one constant changed. */
export function withConstant(
  model: ModelProto,
  name: string,
  change: (value: number, index: number, dims: readonly number[]) => number,
): ModelProto {
  const graph = model.graph!;
  const initializer = graph.initializer.map((tensor) => {
    if (tensor.name !== name) return tensor;
    const dims = tensor.dims.map(Number);
    return makeTensor(
      name,
      dims,
      tensor.dataType,
      readFloats(tensor, '.').map((value, i) => change(value, i, dims)),
    );
  });

  return { ...model, graph: { ...graph, initializer } };
}

/** Convolutions in a row with nothing but a Relu between them: what the first writes only the second reads. */
function convolutionsInRow(model: ModelProto): { first: readonly string[]; second: readonly string[] } {
  const { node } = model.graph!;
  const readers = (tensor: string) => node.filter(({ input }) => input.includes(tensor));
  for (const first of node.filter(({ opType }) => opType === 'Conv')) {
    const [relu, ...others] = readers(first.output[0]!);
    if (others.length > 0 || relu?.opType !== 'Relu') continue;
    const [second, ...more] = readers(relu.output[0]!);
    if (more.length === 0 && second?.opType === 'Conv') return { first: first.input, second: second.input };
  }

  throw new Error('The model has no two convolutions in a row.');
}

/**
 * One channel between two convolutions `factor` times as large, its readers' weights as much smaller: the same function in
 * float, but one scale for all channels leaves nothing of the others.
 */
export function withLoudChannel(model: ModelProto, factor: number): ModelProto {
  const { first, second } = convolutionsInRow(model);
  const loud = (value: number, index: number, dims: readonly number[]) =>
    Math.floor(index / dims.slice(1).reduce((a, b) => a * b, 1)) === 0 ? value * factor : value;
  const quiet = (value: number, index: number, [, channels = 1, ...kernel]: readonly number[]) =>
    Math.floor(index / kernel.reduce((a, b) => a * b, 1)) % channels === 0 ? value / factor : value;
  const louder = first.slice(1).reduce((changed, name) => withConstant(changed, name, loud), model);

  return withConstant(louder, second[1]!, quiet);
}

/** All weights of a convolution in the middle, and its bias, become zero. */
export function withDeadLayer(model: ModelProto): ModelProto {
  const convolutions = model.graph!.node.filter(({ opType }) => opType === 'Conv');
  const dead = convolutions[convolutions.length >> 1]!;
  return dead.input.slice(1).reduce((changed, name) => withConstant(changed, name, () => 0), model);
}
