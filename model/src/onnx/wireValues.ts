import { fromBinary } from '@bufbuild/protobuf';
import type { TensorSignature } from '@quantsmith/schemas';
import { ValueInfoProtoSchema, type ValueInfoProto } from './onnx_pb.js';
import { dataTypeName } from './tensor.js';
import type { Field, WireReader } from './wire.js';

const decoder = new TextDecoder();

/** The message ValueInfoProto. */
export async function readSignature(reader: WireReader, field: Field): Promise<TensorSignature> {
  const value = decodeValue(await reader.bytes(field)) ?? reader.damaged(field.start);
  const kind = value.type?.value;
  if (kind?.case !== 'tensorType') return { name: value.name, type: kind?.case ?? 'unknown', dims: [] };
  const dims = (kind.value.shape?.dim ?? []).map(({ value: dim }) => {
    if (dim.case === 'dimValue' && dim.value >= 0n) return Number(dim.value);
    return dim.case === 'dimParam' && dim.value !== '' ? dim.value : '?';
  });

  const signature = { name: value.name, type: dataTypeName(kind.value.elemType), dims };

  return kind.value.shape === undefined ? { ...signature, unranked: true } : signature;
}

function decodeValue(bytes: Uint8Array): ValueInfoProto | undefined {
  try {
    return fromBinary(ValueInfoProtoSchema, bytes);
  } catch {
    return undefined;
  }
}

/** Waits only for what is not read yet: a model has tens of thousands of names. */
export function text(reader: WireReader, field: Field): string | Promise<string> {
  const held = reader.held(field);
  return held === null ? reader.bytes(field).then((bytes) => decoder.decode(bytes)) : decoder.decode(held);
}

/** A fixed32 as a float. */
export async function float32(reader: WireReader, field: Field): Promise<number> {
  const bytes = await reader.bytes(field);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}

/** A varint as an int64. */
export const signed = (value: bigint) => Number(BigInt.asIntN(64, value));

/** Repeated int64, packed or not. */
export async function integers(reader: WireReader, field: Field): Promise<number[]> {
  if (field.wireType === 0) return [signed(field.value)];
  const values: number[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of await reader.bytes(field)) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    values.push(signed(value));
    value = 0n;
    shift = 0n;
  }

  return values;
}
