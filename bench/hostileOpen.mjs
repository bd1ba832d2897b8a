// How long other requests wait while a config opens that nobody should wait for, and whether what is large but sound is still
// decided. The real server, a process of its own. Files are sparse where they are large. On a busy machine a request also waits
// for a core: the longest turn of the server's own event loop, less that (lsp/loopDelay.mjs), is what the limit holds for.
//
//   node --expose-gc bench/hostileOpen.mjs [--only "pattern for the name"] [--seconds 4]
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { startClient } from './lsp/client.mjs';
import { message, modelOf, number } from './lsp/model.mjs';
import { builtServer } from './lsp/peer.mjs';

const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, seconds: { type: 'string', default: '4' } },
});
/** A request may wait so long. */
const MAX_MS = 200;
/** How long a case is watched: what comes late must not hold anybody up either. */
const WATCHED_MS = 1000 * Number(options.seconds);
/** What has to be decided is waited for so long. */
const DECIDED_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-open-'));
const at = (name) => join(folder, name);
const data = (section) => `data: {calibration: ${section}}\n`;

function write(name, content, size) {
  mkdirSync(join(at(name), '..'), { recursive: true });
  writeFileSync(at(name), content);
  if (size !== undefined) truncateSync(at(name), size);
}

function npy(name, header, size, version = 1) {
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(header.length + 1);
  else length.writeUInt32LE(header.length + 1);
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), version, 0]);
  write(name, Buffer.concat([head, length, Buffer.from(`${header}\n`)]), size);
}

const header = (...shape) => `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;

function pipe(name) {
  execFileSync('mkfifo', [at(name)]);
}

/** A model whose only weight fills the file. */
function largeModel(name, bytes) {
  const dims = [number(1, 1), number(1, bytes / 4)];
  // TensorProto: dims, data_type, name, raw_data; the data's length is said, the file is extended by a hole.
  const before = Buffer.concat([...dims, number(2, 1), message(8, 'w')]);
  const tensor = lengthPrefixed(9, bytes);
  const initializer = lengthPrefixed(5, before.length + tensor.length + bytes);
  const io = (field, tensorName) =>
    message(field, message(1, tensorName), message(2, message(1, number(1, 1))));
  const nodes = message(1, message(1, 'x'), message(2, 'y'), message(3, 'n'), message(4, 'Relu'));
  const rest = Buffer.concat([nodes, message(2, 'g'), io(11, 'x'), io(12, 'y')]);
  const graphLength = rest.length + initializer.length + before.length + tensor.length + bytes;
  const graph = lengthPrefixed(7, graphLength);
  // The weight is last: behind it is the hole.
  const head = Buffer.concat([
    number(1, 8),
    message(8, number(2, 13)),
    graph,
    rest,
    initializer,
    before,
    tensor,
  ]);
  write(name, head, head.length + bytes);
}

function lengthPrefixed(field, length) {
  const prefix = [(field << 3) | 2];
  for (; length > 127; length = Math.floor(length / 128)) prefix.push((length % 128) | 128);
  return Buffer.from([...prefix, length]);
}

function images(name, count) {
  for (let index = 0; index < count; index++) {
    const sub = `${name}/${Math.floor(index / 1000)}`;
    if (index % 1000 === 0) mkdirSync(at(sub), { recursive: true });
    writeFileSync(at(`${sub}/${index}.png`), '');
  }
}

/** `text`: the config, made with what it names. `decides`: the code of a finding that must come. */
const CASES = [
  { name: 'nothing odd', text: () => `model: m.onnx\n${data('{images: .}')}` },
  {
    name: 'an .npy that is a FIFO',
    text: () => (pipe('p.npy'), `model: m.onnx\n${data('{arrays: p.npy}')}`),
  },
  { name: 'a model that is a FIFO', text: () => (pipe('p.onnx'), `model: p.onnx\n${data('{images: .}')}`) },
  { name: 'a base that is a FIFO', text: () => (pipe('p.yaml'), 'extends: p.yaml\n') },
  {
    name: 'labels that are a FIFO',
    text: () => (
      pipe('p.csv'),
      `model: m.onnx\n${data('{images: .}')}  validation: {images: ., labels: p.csv}\n`
    ),
  },
  { name: 'a model that is /dev/zero', text: () => `model: /dev/zero\n${data('{arrays: /dev/zero}')}` },
  {
    name: 'an .npy header of nested (',
    text: () => (
      npy('deep.npy', "'shape':(".repeat(2 ** 17), undefined, 2),
      `model: m.onnx\n${data('{arrays: deep.npy}')}`
    ),
  },
  {
    name: 'a sparse 600 MB .npy with a lying header',
    text: () => (
      npy('lies.npy', header(900_000_000, 3, 224), 600 * 2 ** 20),
      `model: m.onnx\n${data('{arrays: lies.npy}')}`
    ),
  },
  {
    name: '78 bytes that claim 9e8 empty rows',
    text: () => (npy('rows.npy', header(900_000_000, 0), 78), `model: m.onnx\n${data('{arrays: rows.npy}')}`),
  },
  { name: 'images: /', text: () => `model: m.onnx\n${data('{images: /}')}` },
  { name: 'images: /proc', text: () => `model: m.onnx\n${data('{images: /proc}')}` },
  {
    name: 'two symbolic links in an image folder',
    text: () => {
      mkdirSync(at('circle'));
      for (const name of ['a', 'b']) symlinkSync('.', at(`circle/${name}`));
      return `model: m.onnx\n${data('{images: circle}')}`;
    },
  },
  {
    name: '200,000 nodes of one name',
    text: () => (
      write('same.onnx', modelOf(new Array(200_000).fill('n'))),
      `model: same.onnx\n${data('{images: .}')}`
    ),
  },
  {
    name: '39,000 nodes of one name',
    text: () => (
      write('same2.onnx', modelOf(new Array(39_000).fill('n'))),
      `model: same2.onnx\n${data('{images: .}')}`
    ),
  },
  {
    name: 'a 1 MB pattern',
    text: () =>
      `model: m.onnx\n${data('{images: .}')}quantization: {ignored_scope: {patterns: ["${'(a?){9}'.repeat(150_000)}"]}}\n`,
  },
  { name: 'a 10 MB path', text: () => `model: ${'m'.repeat(10 * 2 ** 20)}\n${data('{images: .}')}` },
  { name: 'a 50 MB base', text: () => (write('large.yaml', '', 50 * 2 ** 20), 'extends: large.yaml\n') },
  {
    name: '200,000 unknown keys',
    text: () =>
      `model: m.onnx\n${data('{images: .}')}${Array.from({ length: 200_000 }, (_, i) => `k${i}: 1\n`).join('')}`,
  },
  {
    name: '3 MB of labels',
    text: () => (
      write('labels.csv', Array.from({ length: 150_000 }, (_, i) => `image-${i}.png,${i % 10}\n`).join('')),
      `model: m.onnx\ndata:\n  calibration: {images: .}\n  validation: {images: ., labels: labels.csv}\n`
    ),
  },
  {
    name: '1 MB of COCO',
    text: () => {
      const annotations = Array.from({ length: 17_000 }, (_, i) => ({
        image_id: 1,
        category_id: 1,
        bbox: [i, 1, 2, 3],
      }));
      write(
        'coco.json',
        JSON.stringify({ images: [{ id: 1, file_name: 'a.png' }], annotations, categories: [{ id: 1 }] }),
      );
      return `model: m.onnx\ndata:\n  calibration: {images: .}\n  validation: {images: ., labels: coco.json}\n`;
    },
  },
  {
    name: 'must decide: 50,000 images',
    text: () => (
      images('many', 50_000),
      `model: m.onnx\n${data('{images: many}')}quantization: {subset_size: 60000}\n`
    ),
    decides: 'sample-count',
  },
  {
    name: 'must decide: a model of 500 MB',
    text: () => (
      largeModel('large.onnx', 500 * 10 ** 6),
      `model: large.onnx\n${data('{images: .}')}quantization: {ignored_scope: {names: [nothing]}}\n`
    ),
    decides: 'unknown-node',
  },
  {
    name: 'must decide: an .npy of 1 GB',
    text: () => (
      npy('gb.npy', header(1000, 250_000), 10 ** 9 + 128),
      `model: m.onnx\n${data('{arrays: gb.npy}')}quantization: {subset_size: 5000}\n`
    ),
    decides: 'sample-count',
  },
];

const CAPABILITIES = {
  workspace: { configuration: true, diagnostics: { refreshSupport: true } },
  textDocument: { diagnostic: {}, hover: { contentFormat: ['markdown'] }, completion: {} },
};

const LOOP_DELAY = new URL('lsp/loopDelay.mjs', import.meta.url).href;

/** Milliseconds of the longest turn since a time, without what the server waited for a core. */
function longestTurn(file, since) {
  if (!existsSync(file)) return 0;
  const turns = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  return Math.round(Math.max(0, ...turns.filter(([ended]) => ended > since).map(([, , own]) => own)));
}

async function measure(server, { name, text, decides }, index) {
  const turns = at(`turns-${index}`);
  process.env.LOOP_DELAY_FILE = turns;
  const client = await startClient([process.execPath, '--import', LOOP_DELAY, server, '--stdio'], {
    capabilities: CAPABILITIES,
  });
  client.connection.onRequest('workspace/diagnostic/refresh', () => null);
  const open = async (uri, content) =>
    client.notify('textDocument/didOpen', {
      textDocument: { uri, languageId: 'quantsmith-yaml', version: 1, text: content },
    });
  const other = pathToFileURL(at('other.quant.yaml')).href;
  await open(other, `model: m.onnx\n${data('{images: .}')}foo: 1\n`);
  const ask = () =>
    client.request('textDocument/hover', {
      textDocument: { uri: other },
      position: { line: 0, character: 2 },
    });
  for (let count = 0; count < 20; count++) await ask();

  const uri = pathToFileURL(at(`case-${index}.quant.yaml`)).href;
  const content = text();
  // What making the case has left to collect must not count as waiting for the server.
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const begun = performance.now();
  const begunAt = Date.now();
  await open(uri, content);
  let worst = 0;
  let asked = 0;
  let decided = decides === undefined ? null : false;
  let over = false;
  const codes = async () => {
    const { items = [] } = await client.request('textDocument/diagnostic', { textDocument: { uri } });
    return items.map(({ code }) => code);
  };

  const watching = (async () => {
    while (!over) {
      const found = await codes();
      if (decided === false && found.includes(decides)) decided = Math.round(performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  })();
  while (performance.now() - begun < (decided === false ? DECIDED_MS : WATCHED_MS)) {
    const sent = performance.now();
    await ask();
    worst = Math.max(worst, performance.now() - sent);
    asked++;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }

  over = true;
  await watching;
  await client.stop();

  return { name, worst: Math.round(worst), own: longestTurn(turns, begunAt), asked, decided };
}

try {
  write('m.onnx', modelOf(['a', 'b', 'c']));
  const server = builtServer();
  let failed = false;
  console.log('| opened | longest turn of the server | longest wait of n requests | decided after |');
  console.log('| --- | --- | --- | --- |');
  for (const [index, each] of CASES.entries()) {
    if (!new RegExp(options.only).test(each.name)) continue;
    const { name, worst, own, asked, decided } = await measure(server, each, index);
    failed ||= own > MAX_MS || decided === false;
    const told = decided === null ? '' : decided === false ? 'never' : `${decided} ms`;
    console.log(`| ${name} | ${own} ms | ${worst} ms of ${asked} | ${told} |`);
  }

  process.exitCode = failed ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
