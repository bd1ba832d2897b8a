import { makeTensor, readFloats, type ModelProto } from '@quantsmith/model/onnx';

/** The model with the values of one constant changed. */
export function withConstant(
  model: ModelProto,
  name: string,
  change: (value: number, index: number, dims: readonly number[]) => number,
): ModelProto {
  const graph = model.graph;
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

/**
 * Convolutions in a row with nothing but a BatchNormalization and a Relu between them: the constants by which the channels
 * behind the first grow, and the weights of the second.
 */
function convolutionsInRow(model: ModelProto): { growing: readonly string[]; weights: string } {
  const { node } = model.graph;
  const onlyReader = (tensor: string) => {
    const readers = node.filter(({ input }) => input.includes(tensor));
    return readers.length === 1 ? readers[0] : undefined;
  };

  for (const first of node.filter(({ opType }) => opType === 'Conv')) {
    const next = onlyReader(first.output[0]!);
    const norm = next?.opType === 'BatchNormalization' ? next : undefined;
    const relu = norm === undefined ? next : onlyReader(norm.output[0]!);
    const second = relu?.opType === 'Relu' ? onlyReader(relu.output[0]!) : undefined;
    if (second?.opType !== 'Conv') continue;
    const growing = norm === undefined ? first.input.slice(1) : norm.input.slice(1, 3);
    return { growing, weights: second.input[1]! };
  }

  throw new Error('The model has no two convolutions in a row.');
}

/**
 * One channel between two convolutions `factor` times as large, its readers' weights as much smaller: the same function in
 * float, but one scale for all channels leaves nothing of the others.
 */
export function withLoudChannel(model: ModelProto, factor: number): ModelProto {
  const { growing, weights } = convolutionsInRow(model);
  const loud = (value: number, index: number, dims: readonly number[]) =>
    Math.floor(index / dims.slice(1).reduce((a, b) => a * b, 1)) === 0 ? value * factor : value;
  const quiet = (value: number, index: number, [, channels = 1, ...kernel]: readonly number[]) =>
    Math.floor(index / kernel.reduce((a, b) => a * b, 1)) % channels === 0 ? value / factor : value;
  const louder = growing.reduce((changed, name) => withConstant(changed, name, loud), model);

  return withConstant(louder, weights, quiet);
}

/** All weights of a convolution in the middle, and its bias, become zero. */
export function withDeadLayer(model: ModelProto): ModelProto {
  const convolutions = model.graph.node.filter(({ opType }) => opType === 'Conv');
  const dead = convolutions[convolutions.length >> 1]!;
  return dead.input.slice(1).reduce((changed, name) => withConstant(changed, name, () => 0), model);
}

/** Every BatchNormalization has the mean 0 and the variance 1, as if its trained statistics had not been loaded. */
export function withUntouchedNormalization(model: ModelProto): ModelProto {
  const norms = model.graph.node.filter(({ opType }) => opType === 'BatchNormalization');
  return norms.reduce((changed, { input: [, , , mean = '', variance = ''] }) => {
    const centred = withConstant(changed, mean, () => 0);
    return withConstant(centred, variance, () => 1);
  }, model);
}
