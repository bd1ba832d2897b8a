// Reads the structure of a model of 500 MB whose weights are raw data in the file, each time in a process of its own: how
// long it takes, and how much memory beside what the process had before.
//
//   npm run bench:structure -- [megabytes]
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { spread } from './lsp/client.mjs';
import { message, number, varint } from './lsp/model.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const LAYERS = 500;
const RUNS = 9;
const LIMITS = { ms: 200, megabytes: 50 };
const megabytes = Number(process.argv[2] ?? 500);
const folder = `${root}.tools/bench/structure`;
mkdirSync(folder, { recursive: true });
const path = `${folder}/model.onnx`;
try {
  generate(path, Math.ceil((megabytes * 1e6) / LAYERS / 4));
  const script = await bundle('bench/structure/inspect.ts');
  const runs = Array.from({ length: RUNS }, () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, path], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  });
  const time = spread(runs.map(({ ms }) => ms));
  const memory = spread(runs.map((run) => run.megabytes));
  console.log(
    `${runs[0].nodes} nodes, ${megabytes} MB: ${time.median.toFixed(0)} ms (95th percentile ${time.p95.toFixed(0)}), ${memory.median.toFixed(0)} MB more memory (${memory.p95.toFixed(0)})`,
  );
  mkdirSync(`${root}bench/results`, { recursive: true });
  writeFileSync(`${root}bench/results/structure.json`, `${JSON.stringify({ time, memory }, null, 2)}\n`);
  if (time.median > LIMITS.ms || memory.median > LIMITS.megabytes) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** MatMuls in a row, each with a matrix of its own; the matrices are holes in the file, which read as zeros. */
function generate(file, elements) {
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
