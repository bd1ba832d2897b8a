// Models that are made: of many nodes in blocks, and of many bytes.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { message, number, varint } from '../lsp/model.mjs';

const tensor = (field, name, dims) =>
  message(
    field,
    message(1, name),
    message(2, message(1, number(1, 1), message(2, ...dims.map((dim) => message(1, number(1, dim)))))),
  );

/** A residual network: blocks of four nodes with a way around each, and now and then one around ten blocks. */
export function residual(count) {
  const nodes = Array.from({ length: count }, (_, index) => {
    const block = Math.floor(index / 4);
    const joins = index % 4 === 3;
    const far = joins && block % 10 === 9;
    const op = joins ? 'Add' : ['Conv', 'Relu', 'Conv'][index % 4];
    const inputs = [`t${index}`, ...(joins ? [`t${far ? index - 39 : index - 3}`] : [])];
    return message(
      1,
      ...inputs.map((name) => message(1, name)),
      message(2, `t${index + 1}`),
      message(3, `/stage${Math.floor(block / 25)}/block${block}/${op}_${index}`),
      message(4, op),
    );
  });
  const values = Array.from({ length: count - 1 }, (_, index) =>
    tensor(13, `t${index + 1}`, [1, 64, 56, 56]),
  );
  const graph = message(
    7,
    Buffer.concat(nodes),
    message(2, 'residual'),
    tensor(11, 't0', [1, 64, 56, 56]),
    tensor(12, `t${count}`, [1, 64, 56, 56]),
    ...values,
  );
  return Buffer.concat([number(1, 8), graph, message(8, number(2, 13))]);
}

const LAYERS = 500;

/** A file of so many megabytes: products in a row, each with a matrix of its own; the matrices are holes in the file, which read as zeros. */
export function large(file, megabytes) {
  const elements = Math.ceil((megabytes * 1e6) / LAYERS / 4);
  const tensors = Array.from({ length: LAYERS }, (_, i) => {
    const head = Buffer.concat([number(1, elements), number(2, 1), message(8, `weight.${i}`)]);
    const raw = Buffer.concat([varint((9 << 3) | 2), varint(4 * elements)]);
    const body = head.length + raw.length + 4 * elements;
    return { head: Buffer.concat([varint((5 << 3) | 2), varint(body), head, raw]), hole: 4 * elements };
  });
  const nodes = Array.from({ length: LAYERS }, (_, i) =>
    message(
      1,
      ...[`t${i}`, `weight.${i}`].map((name) => message(1, name)),
      message(2, `t${i + 1}`),
      message(3, `/layers.${i}/Mul`),
      message(4, 'Mul'),
    ),
  );
  const border = (field, name) => message(field, message(1, name), message(2, message(1, number(1, 1))));
  const rest = Buffer.concat([...nodes, message(2, 'large'), border(11, 't0'), border(12, `t${LAYERS}`)]);
  const length = tensors.reduce((sum, { head, hole }) => sum + head.length + hole, rest.length);
  const out = openSync(file, 'w');
  let position = 0;
  const put = (bytes) => (position += writeSync(out, bytes, 0, bytes.length, position));
  put(Buffer.concat([number(1, 8), varint((7 << 3) | 2), varint(length)]));
  for (const { head, hole } of tensors) {
    put(head);
    position += hole;
  }

  put(rest);
  put(message(8, number(2, 13)));
  ftruncateSync(out, position);
  closeSync(out);
}
