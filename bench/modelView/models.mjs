// Models that are made: of many nodes in blocks, and of many bytes.
import { message, number } from '../lsp/model.mjs';

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
