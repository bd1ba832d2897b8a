import { toBinary } from '@bufbuild/protobuf';
import type { FileHandle } from 'node:fs/promises';
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

/**
 * Writes a model into a file with its weights inside, one tensor in memory at a time; external ones are brought in from
 * `sourceDir`. Protobuf allows a message's fields in any order, so the initializers come last. Returns the bytes written.
 */
export async function streamModel(model: ModelProto, handle: FileHandle, sourceDir: string): Promise<number> {
  const { graph, ...rest } = model;
  const pieces = graph.initializer.map(asPiece);
  const graphHead = toBinary(GraphProtoSchema, { ...graph, initializer: [] });
  const initializers = pieces.reduce((sum, piece) => sum + messageLength(pieceLength(piece)), 0);
  let position = 0;
  const write = async (bytes: Uint8Array) => {
    for (let done = 0; done < bytes.byteLength;) {
      const { bytesWritten } = await handle.write(
        bytes,
        done,
        Math.min(bytes.byteLength - done, 1 << 30),
        position,
      );

      done += bytesWritten;
      position += bytesWritten;
    }
  };

  await write(toBinary(ModelProtoSchema, rest));
  await write(header(MODEL_GRAPH, graphHead.byteLength + initializers));
  await write(graphHead);
  for (const piece of pieces) {
    const raw =
      piece.rawLength === 0
        ? []
        : [header(TENSOR_RAW_DATA, piece.rawLength), rawBytes(piece.tensor, sourceDir)];

    const parts = [header(GRAPH_INITIALIZER, pieceLength(piece)), piece.head, ...raw];
    // Many tensors are tiny: one write for each, and large ones are not copied.
    if (piece.rawLength < 65536) await write(Buffer.concat(parts));
    else for (const part of parts) await write(part);
  }

  return position;
}

function asPiece(tensor: TensorProto): Piece {
  const external = isExternal(tensor);
  const rawLength = external
    ? Math.ceil(elementCount(tensor.dims) * elementBytes(tensor.dataType))
    : tensor.rawData.byteLength;

  const location = external ? { externalData: [], dataLocation: TensorProto_DataLocation.DEFAULT } : {};
  const head = toBinary(TensorProtoSchema, { ...tensor, ...location, rawData: new Uint8Array(0) });

  return { tensor, head, rawLength };
}

const pieceLength = ({ head, rawLength }: Piece) =>
  head.byteLength + (rawLength === 0 ? 0 : messageLength(rawLength));

/** A field with its tag (all field numbers here take one byte), its length and its bytes. */
const messageLength = (length: number) => 1 + varint(length).length + length;

const header = (field: number, length: number) => Uint8Array.of(field * 8 + 2, ...varint(length));

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
