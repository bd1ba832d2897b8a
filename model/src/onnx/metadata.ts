import { QuantsmithError } from '@quantsmith/schemas';
import { withFile } from '../files/regular.js';
import { WireReader } from './wire.js';

/** Field numbers of ModelProto and StringStringEntryProto. */
const MODEL_METADATA = 14;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

/** A model has about ten fields; whoever has more is not asked to the end. */
const MAX_FIELDS = 10_000;
/** Longer entries are not looked into. */
const MAX_ENTRY_BYTES = 64 * 1024;

/**
 * The metadata of an ONNX file, without reading its graph. null: it is not a regular file, or not a protobuf message. Never
 * waits at a FIFO, and reads only the headers of fields.
 */
export async function readMetadata(path: string): Promise<ReadonlyMap<string, string> | null> {
  try {
    return await withFile(path, (handle, size) => metadataOf(new WireReader(handle, path, size)));
  } catch (error) {
    if (error instanceof QuantsmithError || (error instanceof Error && 'code' in error)) return null;
    throw error;
  }
}

async function metadataOf(reader: WireReader): Promise<ReadonlyMap<string, string>> {
  const metadata = new Map<string, string>();
  const cursor = reader.cursor(0, reader.size);
  for (let count = 0; count < MAX_FIELDS && (cursor.step() || (await cursor.load())); count++) {
    if (cursor.field.number !== MODEL_METADATA || cursor.field.wireType !== 2) continue;
    const { start, end } = cursor.field;
    if (end - start > MAX_ENTRY_BYTES) continue;
    const texts = new Map<number, string>();
    const entry = reader.cursor(start, end);
    while (entry.step() || (await entry.load())) {
      if (entry.field.wireType !== 2) continue;
      texts.set(entry.field.number, Buffer.from(await reader.bytes(entry.field)).toString());
    }

    metadata.set(texts.get(ENTRY_KEY) ?? '', texts.get(ENTRY_VALUE) ?? '');
  }

  return metadata;
}
