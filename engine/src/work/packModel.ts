import { create, fromBinary } from '@bufbuild/protobuf';
import {
  encodeModel,
  isExternal,
  ModelProtoSchema,
  rawBytes,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  type ModelProto,
  type TensorProto,
} from '@quantsmith/model/onnx';
import { fail } from '@quantsmith/schemas';
import type { Store } from './store.js';
import { isKey } from './unit.js';

/** Smaller weights stay in the model. */
const MIN_APART = 1024;
/** Marks weights that were in the model: they are put back where it is read, so that its bytes are what they were. */
const INLINE_KEY = 'quantsmith.inline';

/** Puts models into a store; weights lie apart, so that states of one quantization share them. */
export function modelPacker(store: Store): (model: ModelProto, dir: string | undefined) => Promise<string> {
  const kept = new WeakMap<TensorProto, TensorProto>();
  const apart = async (tensor: TensorProto, dir: string | undefined) => {
    const outside = isExternal(tensor);
    if (!outside && tensor.rawData.length < MIN_APART) return tensor;
    const known = kept.get(tensor);
    if (known !== undefined) return known;
    const bytes = outside ? rawBytes(tensor, dir ?? '') : tensor.rawData;
    const reference = referenceTo(await store.keep('weights', bytes), tensor, outside);
    kept.set(tensor, reference);
    return reference;
  };

  return async (model, dir) => {
    const initializer: TensorProto[] = [];
    for (const tensor of model.graph.initializer) initializer.push(await apart(tensor, dir));
    return store.keep('models', encodeModel({ ...model, graph: { ...model.graph, initializer } }));
  };
}

function referenceTo(location: string, tensor: TensorProto, outside: boolean): TensorProto {
  const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });
  return {
    ...tensor,
    rawData: new Uint8Array(0),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [entry('location', location), ...(outside ? [] : [entry(INLINE_KEY, '1')])],
  };
}

/** Reads models from a store. The weights that were read last stay in memory: the states of a quantization have most of them in common. */
export function modelUnpacker(store: Store): (key: string) => Promise<ModelProto> {
  const kept = new Map<string, Uint8Array>();
  let bytes = 0;
  const weights = async (key: string) => {
    const known = kept.get(key);
    const read = known ?? (await store.read('weights', key));
    bytes += known === undefined ? read.byteLength : 0;
    kept.delete(key);
    kept.set(key, read);
    for (const [oldest, { byteLength }] of kept) {
      if (bytes <= KEPT_WEIGHT_BYTES) break;
      kept.delete(oldest);
      bytes -= byteLength;
    }

    return read;
  };

  return (key) => unpackModel(store, key, weights);
}

/** Bytes of weights that are kept. */
const KEPT_WEIGHT_BYTES = 256 * 2 ** 20;

/** The model that was packed, to the byte; weights that lay outside do so still, in `store.weightsDir`. Throws `store-damaged`. */
export async function unpackModel(
  store: Store,
  key: string,
  weights: (key: string) => Promise<Uint8Array> = (location) => store.read('weights', location),
): Promise<ModelProto> {
  const model = fromBinary(ModelProtoSchema, await store.read('models', key)) as ModelProto;
  const initializer: TensorProto[] = [];
  for (const tensor of model.graph.initializer) {
    const location = tensor.externalData.find((entry) => entry.key === 'location')?.value ?? '';
    const isInline = tensor.externalData.some((entry) => entry.key === INLINE_KEY);
    if (isExternal(tensor) && !isKey(location))
      fail('store-damaged', `A model in ${store.dir} has weights elsewhere.`);
    if (!isInline) initializer.push(tensor);
    else {
      const rawData = await weights(location);
      initializer.push({
        ...tensor,
        rawData,
        externalData: [],
        dataLocation: TensorProto_DataLocation.DEFAULT,
      });
    }
  }

  return { ...model, graph: { ...model.graph, initializer } };
}
