import { elementBytes, elementCount, makeTensor, rawBytes, readInts } from '../onnx/tensor.js';
import type { ModelProto } from '../onnx/model.js';
import type { GraphProto, SparseTensorProto, TensorProto } from '../onnx/onnx_pb.js';

/** The model with sparse initializers written out: whatever reads constants finds them in one place. */
export function denseConstants(model: ModelProto, dir: string): ModelProto {
  const graph: GraphProto = model.graph;
  if (graph.sparseInitializer.length === 0) return model;
  const dense = graph.sparseInitializer.map((sparse) => denseTensor(sparse, dir));
  return {
    ...model,
    graph: { ...graph, sparseInitializer: [], initializer: [...graph.initializer, ...dense] },
  };
}

/** Values at indices: linear ones ([NNZ]) or one for each axis ([NNZ, rank]); zero everywhere else. */
function denseTensor({ values, indices, dims: sizes }: SparseTensorProto, dir: string): TensorProto {
  const dims = sizes.map(Number);
  const size = elementBytes(values!.dataType);
  const source = rawBytes(values!, dir);
  const bytes = new Uint8Array(elementCount(dims) * size);
  const positions = readInts(indices!, dir);
  const linear = indices!.dims.length < 2;
  const count = elementCount(values!.dims);
  for (let i = 0; i < count; i++) {
    const place = linear
      ? positions[i]!
      : dims.reduce((offset, dim, axis) => offset * dim + positions[i * dims.length + axis]!, 0);

    bytes.set(source.subarray(i * size, (i + 1) * size), place * size);
  }

  return makeTensor(values!.name, dims, values!.dataType, bytes);
}
