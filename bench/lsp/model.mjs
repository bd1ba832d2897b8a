// An ONNX model of nothing but names: as many convolutions in a row as the config names layers.

export const varint = (value) => {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
};

export const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
export const message = (field, ...parts) => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body]);
};

/** The bytes of a model whose nodes have the given names. */
export function modelOf(names) {
  const nodes = names.map((name, i) =>
    message(1, message(1, `t${i}`), message(2, `t${i + 1}`), message(3, name), message(4, 'Relu')),
  );
  const tensor = (field, name) => message(field, message(1, name), message(2, message(1, number(1, 1))));
  const graph = message(
    7,
    Buffer.concat(nodes),
    message(2, 'bench'),
    tensor(11, 't0'),
    tensor(12, `t${names.length}`),
  );
  return Buffer.concat([number(1, 8), graph, message(8, number(2, 13))]);
}
