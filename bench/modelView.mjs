/* global document, requestAnimationFrame, WheelEvent, window */
// The editor of .onnx files: how long the structure of a model of 500 MB takes with the shapes of its tensors; and in a real
// browser, with a stand-in for the editor, how long rows and graph of 2,000 and rows of 10,000 nodes take, and how much memory:
// of the scripts alone, and of the process that draws the page, over that of an empty page.
//
//   node scripts/build.mjs --minify && npm run bench:modelView
import { createServer } from 'node:http';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundle } from './bundle.mjs';
import { spread } from './lsp/client.mjs';
import { large, residual } from './modelView/models.mjs';
import { pageMegabytes } from './pageMemory.mjs';
import { launchBrowser, makeSandbox, ROOT } from '../test/e2e/harness.mjs';

const MEGABYTES = 500;
const RUNS = 5;
const LIMITS = { structure: 200, graph: 2000 };

const folder = join(ROOT, '.tools/bench/modelView');
for (const path of [folder, join(ROOT, 'bench/results')]) mkdirSync(path, { recursive: true });
const { pageOf, structureTime } = await import(await bundle('bench/modelView/page.ts'));
const result = {};
try {
  const path = join(folder, 'large.onnx');
  large(path, MEGABYTES);
  const times = [];
  for (let run = 0; run < RUNS; run++) times.push(await structureTime(path));
  result.structure_ms = spread(times);
  console.log(`structure of ${MEGABYTES} MB: ${result.structure_ms.median.toFixed(0)} ms`);
  for (const count of [2000, 10_000]) result[count] = await shown(count);
  writeFileSync(join(ROOT, 'bench/results/modelView.json'), `${JSON.stringify(result, null, 2)}\n`);
  const isLate = result.structure_ms.median > LIMITS.structure || result[2000].graph_ms.median > LIMITS.graph;
  if (isLate) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Times from a page's start to its first rows, and from the button to the graph on the screen; the memory of its scripts. */
async function shown(count) {
  const path = join(folder, 'residual.onnx');
  writeFileSync(path, residual(count));
  const sandbox = makeSandbox();
  const { server, address, serve } = await startPages();
  const { html, message } = await pageOf(path, address);
  const { context, page } = await launchBrowser(sandbox);
  await page.goto(address);
  const empty = pageMegabytes(sandbox.browser);
  serve(html);
  await page.addInitScript(playEditor, message);
  const samples = [];
  try {
    for (let run = 0; run < RUNS; run++) {
      await page.goto(address);
      await page.locator('#layers [data-index]').first().waitFor();
      const times = await page.evaluate(measure);
      samples.push({ ...times, process_mb: pageMegabytes(sandbox.browser) - empty });
    }
  } finally {
    await context.close();
    server.close();
    sandbox.dispose();
  }

  const of = (key) => spread(samples.map((sample) => sample[key]));
  const spreads = Object.fromEntries(Object.keys(samples[0]).map((key) => [key, of(key)]));
  const texts = Object.entries(spreads).map(([key, { median }]) => `${key} ${median.toFixed(0)}`);
  console.log(`${count} nodes: ${texts.join(', ')}`);
  return spreads;
}

/** In the page: the editor answers the page's first message with the rows. */
function playEditor(message) {
  window.acquireVsCodeApi = () => ({
    postMessage: ({ type }) => {
      if (type === 'ready') window.postMessage(message);
    },
    getState: () => undefined,
    setState: () => undefined,
  });
}

/** In the page, whose rows are there. */
async function measure() {
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())));
  const rows = performance.now();
  const begun = performance.now();
  document.querySelector('#graph button').click();
  while (document.querySelector('canvas')?.dataset.nodes === undefined) await frame();
  const painted = await frame();
  const canvas = document.querySelector('canvas');
  const panned = [];
  for (let step = 0; step < 30; step++) {
    const before = performance.now();
    canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: 400, cancelable: true }));
    panned.push((await frame()) - before);
  }

  const sorted = performance.now();
  document.querySelector('#layers th button').click();
  const after = await frame();
  return {
    rows_ms: rows,
    graph_ms: painted - begun,
    pan_frame_ms: panned.sort((a, b) => a - b)[15],
    pan_worst_ms: panned.at(-1),
    sort_ms: after - sorted,
    heap_mb: performance.memory.usedJSHeapSize / 1e6,
  };
}

/** A server of the page and of its scripts. */
async function startPages() {
  let html = '';
  const server = createServer(({ url }, response) => {
    const isPage = url === '/';
    response.setHeader('content-type', isPage ? 'text/html' : 'text/javascript');
    response.end(isPage ? html : readFileSync(join(ROOT, 'dist/pages', basename(url))));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, address: `http://127.0.0.1:${server.address().port}`, serve: (text) => (html = text) };
}
