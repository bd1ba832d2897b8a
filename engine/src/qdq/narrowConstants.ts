import { exactBrainFloats, exactHalves } from '@quantsmith/model/arrays';
import { freshNames } from '@quantsmith/model/graph';
import {
  type ModelProto,
  type TensorProto,
  elementCount,
  makeNode,
  makeTensor,
  readFloats,
} from '@quantsmith/model/onnx';

/** Smaller constants are not worth a Cast. */
const MIN_ELEMENTS = 256;
const FLOAT16 = 10;

/**
 * The model whose float32 constants are stored in a narrower float type (TensorProto.DataType: float16 or bfloat16) with a Cast
 * behind them, as far as that loses nothing: weights that stay float take the room that they took in the original.
 */
export function narrowConstants(model: ModelProto, type: number, dir: string): ModelProto {
  const exact = type === FLOAT16 ? exactHalves : exactBrainFloats;
  const fresh = freshNames(model);
  const casts: ReturnType<typeof makeNode>[] = [];
  const initializer = model.graph.initializer.map((tensor): TensorProto => {
    if (tensor.dataType !== 1 || elementCount(tensor.dims) < MIN_ELEMENTS) return tensor;
    const bits = exact(readFloats(tensor, dir));
    if (bits === null) return tensor;
    const name = fresh(`${tensor.name}_narrow`);
    casts.push(makeNode('Cast', [name], [tensor.name], { to: 1 }, { name: fresh(`Cast_${tensor.name}`) }));
    return makeTensor(name, tensor.dims.map(Number), type, bits);
  });

  if (casts.length === 0) return model;

  return { ...model, graph: { ...model.graph, initializer, node: [...casts, ...model.graph.node] } };
}
