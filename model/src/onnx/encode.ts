import { toBinary } from '@bufbuild/protobuf';
import type { FileHandle } from 'node:fs/promises';
import { writeAt } from '../files/write.js';
import type { ModelProto } from './model.js';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type TensorProto,
} from './onnx_pb.js';
import { elementBytes, elementCount, isExternal, rawBytes } from './tensor.js';

/** Field numbers of the messages that are written piece by piece. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_RAW_DATA = 9;

/** One initializer: all but its raw bytes, and how many of these follow. */
interface Piece {
  readonly tensor: TensorProto;
  readonly head: Uint8Array;
  readonly rawLength: number;
}

/** A model in parts. Protobuf allows a message's fields in any order, so the initializers come last. */
interface Parts {
  /** All but the initializers. */
  readonly head: readonly Uint8Array[];
  readonly pieces: readonly Piece[];
  /** Bytes of all of it. */
  readonly length: number;
}

function partsOf(model: ModelProto, pieces: readonly Piece[]): Parts {
  const { graph, ...rest } = model;
  const graphHead = toBinary(GraphProtoSchema, { ...graph, initializer: [] });
  const initializers = pieces.reduce((sum, piece) => sum + messageLength(pieceLength(piece)), 0);
  const graphLength = graphHead.byteLength + initializers;
  const head = [toBinary(ModelProtoSchema, rest), header(MODEL_GRAPH, graphLength), graphHead];

  return { head, pieces, length: sizeOf(head) + initializers };
}

/** One initializer; `raw`: its raw bytes. */
function partsOfPiece(piece: Piece, raw: () => Uint8Array): readonly Uint8Array[] {
  const { head, rawLength } = piece;
  const content = rawLength === 0 ? [] : [header(TENSOR_RAW_DATA, rawLength), raw()];
  return [header(GRAPH_INITIALIZER, pieceLength(piece)), head, ...content];
}

const sizeOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, { byteLength }) => sum + byteLength, 0);

/**
 * The model as the bytes of an ONNX file, in memory that is asked for once and in the right size: weights are copied once. What
 * is external stays a reference.
 */
export function encodeModel(
  model: ModelProto,
  allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): Uint8Array {
  const { head, pieces, length } = partsOf(model, model.graph.initializer.map(asWritten));
  const encoded = allocate(length);
  let position = 0;
  const add = (part: Uint8Array) => {
    encoded.set(part, position);
    position += part.byteLength;
  };

  head.forEach(add);
  for (const piece of pieces) partsOfPiece(piece, () => piece.tensor.rawData).forEach(add);

  return encoded;
}

/**
 * Writes a model into a file with its weights inside, one tensor in memory at a time; external ones are brought in from
 * `sourceDir`. Returns the bytes written.
 */
export async function streamModel(model: ModelProto, handle: FileHandle, sourceDir: string): Promise<number> {
  const { head, pieces } = partsOf(model, model.graph.initializer.map(asInside));
  let position = 0;
  const write = async (bytes: Uint8Array) => {
    await writeAt(handle, bytes, position);
    position += bytes.byteLength;
  };

  for (const part of head) await write(part);
  for (const piece of pieces) {
    const parts = partsOfPiece(piece, () => rawBytes(piece.tensor, sourceDir));
    // Many tensors are tiny: one write for each, and large ones are not copied.
    if (piece.rawLength < 65536) await write(Buffer.concat(parts));
    else for (const part of parts) await write(part);
  }

  return position;
}

/** The tensor as it is. */
function asWritten(tensor: TensorProto): Piece {
  const head = toBinary(TensorProtoSchema, { ...tensor, rawData: new Uint8Array(0) });
  return { tensor, head, rawLength: tensor.rawData.byteLength };
}

/** The tensor with its values inside the file. */
function asInside(tensor: TensorProto): Piece {
  if (!isExternal(tensor)) return asWritten(tensor);
  const inside = { externalData: [], dataLocation: TensorProto_DataLocation.DEFAULT };
  const { head } = asWritten({ ...tensor, ...inside, rawData: new Uint8Array(0) });

  return { tensor, head, rawLength: Math.ceil(elementCount(tensor.dims) * elementBytes(tensor.dataType)) };
}

const pieceLength = ({ head, rawLength }: Piece) =>
  head.byteLength + (rawLength === 0 ? 0 : messageLength(rawLength));

/** A field with its tag (all field numbers here take one byte), its length and its bytes. */
const messageLength = (length: number) => 1 + varint(length).length + length;

const header = (field: number, length: number) => Uint8Array.of(field * 8 + 2, ...varint(length));

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
