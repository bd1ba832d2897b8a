import { fromBinary } from '@bufbuild/protobuf';
import { QuantsmithError, fail } from '@quantsmith/schemas';
import { resolve } from 'node:path';
import { bytesOf, withFile } from '../files/regular.js';
import { TensorProtoSchema, type TensorProto } from './onnx_pb.js';
import { unreadableModel } from './read.js';
import { WireReader, type Field } from './wire.js';
import { text } from './wireValues.js';

/**
 * One constant of a model's main graph, an initializer or what a Constant node gives, under its name there; null where there is
 * none of that name. Of other constants nothing is read. Throws
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
      const field = await constantOf(new WireReader(handle, file, size), name);
      if (field === null) return null;
      const bytes = field.end - field.start;
      if (bytes > maxBytes) {
        fail('tensor-too-large', `"${name}" takes ${bytes} bytes; at most ${maxBytes} are looked at.`, {
          file,
          data: { tensor: name, bytes },
        });
      }

      const tensor = fromBinary(TensorProtoSchema, await bytesOf(handle, field.start, field.end));
      // A Constant's tensor needs no name of its own.
      tensor.name = name;
      return tensor;
    });
  } catch (error) {
    if (error instanceof QuantsmithError || !(error instanceof Error)) throw error;
    if ('code' in error) return unreadableModel(file, error);
    return fail('model-truncated', `${file} is damaged: "${name}" cannot be read.`, { file });
  }
}

/** Where the bytes of a constant lie: ModelProto 7 graph. */
async function constantOf(reader: WireReader, name: string): Promise<Field | null> {
  for await (const graph of fields(reader, { start: 0, end: reader.size }, 7)) {
    const tensor = (await initializer(reader, graph, name)) ?? (await constantNode(reader, graph, name));
    if (tensor !== null) return tensor;
  }

  return null;
}

/** GraphProto 5 initializer, TensorProto 8 name. */
async function initializer(reader: WireReader, graph: Field, name: string): Promise<Field | null> {
  for await (const tensor of fields(reader, graph, 5))
    if (await holds(reader, tensor, 8, name)) return tensor;

  return null;
}

/** GraphProto 1 node; NodeProto 2 output, 4 op_type, 5 attribute; AttributeProto 5 t. */
async function constantNode(reader: WireReader, graph: Field, name: string): Promise<Field | null> {
  for await (const node of fields(reader, graph, 1)) {
    const isIt = (await holds(reader, node, 2, name)) && (await holds(reader, node, 4, 'Constant'));
    if (!isIt) continue;
    for await (const attribute of fields(reader, node, 5))
      for await (const tensor of fields(reader, attribute, 5)) return tensor;
  }

  return null;
}

/** Whether a message has a text under a number. */
async function holds(reader: WireReader, message: Field, number: number, wanted: string): Promise<boolean> {
  for await (const field of fields(reader, message, number))
    if ((await text(reader, field)) === wanted) return true;

  return false;
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
