import { fromBinary } from '@bufbuild/protobuf';
import { QuantsmithError, fail } from '@quantsmith/schemas';
import { resolve } from 'node:path';
import { bytesOf, withFile } from '../files/regular.js';
import { TensorProtoSchema, type TensorProto } from './onnx_pb.js';
import { unreadableModel } from './read.js';
import { WireReader, type Field } from './wire.js';
import { text } from './wireValues.js';

/**
 * One initializer of a model's main graph, null where there is none of that name; nothing else of the file is read. Throws
 * `tensor-too-large` where it takes more than `maxBytes`, and what reading a model throws.
 */
export async function readConstant(
  path: string,
  name: string,
  maxBytes: number,
): Promise<TensorProto | null> {
  const file = resolve(path);
  try {
    return await withFile(file, async (handle, size) => {
      const field = await initializer(new WireReader(handle, file, size), name);
      if (field === null) return null;
      const bytes = field.end - field.start;
      if (bytes > maxBytes) {
        fail('tensor-too-large', `"${name}" takes ${bytes} bytes; at most ${maxBytes} are looked at.`, {
          file,
          data: { tensor: name, bytes },
        });
      }

      return fromBinary(TensorProtoSchema, await bytesOf(handle, field.start, field.end));
    });
  } catch (error) {
    if (error instanceof QuantsmithError || !(error instanceof Error)) throw error;
    if ('code' in error) return unreadableModel(file, error);
    return fail('model-truncated', `${file} is damaged: "${name}" cannot be read.`, { file });
  }
}

/** Where the bytes of an initializer lie: ModelProto 7 graph, GraphProto 5 initializer, TensorProto 8 name. */
async function initializer(reader: WireReader, name: string): Promise<Field | null> {
  for await (const graph of fields(reader, { start: 0, end: reader.size }, 7))
    for await (const tensor of fields(reader, graph, 5))
      for await (const named of fields(reader, tensor, 8))
        if ((await text(reader, named)) === name) return tensor;

  return null;
}

/** The fields of a message that hold bytes under a number. */
async function* fields(
  reader: WireReader,
  { start, end }: Pick<Field, 'start' | 'end'>,
  number: number,
): AsyncGenerator<Field> {
  const cursor = reader.cursor(start, end);
  while (cursor.step() || (await cursor.load()))
    if (cursor.field.number === number && cursor.field.wireType === 2) yield cursor.field;
}
