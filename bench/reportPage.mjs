// The page of a report with many layers: its size, the time to make it, and what a browser needs for it: until it is drawn, to
// sort, to search, and the memory of its scripts and of its process.  node bench/reportPage.mjs [LAYERS]
import * as esbuild from 'esbuild';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launchBrowser, makeSandbox } from '../test/e2e/harness.mjs';
import { pageMegabytes } from './pageMemory.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const count = Number(process.argv[2] ?? 1000);
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-page-'));
const bundle = join(folder, 'report.mjs');
await esbuild.build({
  stdin: {
    contents: `export { reportHtml } from './report/src/index.ts'; export * from './test/kit/sampleReport.ts';`,
    resolveDir: root,
  },
  bundle: true,
  platform: 'node',
  format: 'esm',
  outfile: bundle,
});
const { reportHtml, sampleReport, layer } = await import(pathToFileURL(bundle).href);
const layers = Array.from({ length: count }, (_, index) =>
  layer({ name: `/features/block.${index}/conv/Conv`, sqnr_db: 5 + ((index * 37) % 400) / 10 }),
);
const report = sampleReport({ layers });
const host = { nonce: 'bench', state: {} };
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const times = [];
for (let run = 0; run < 9; run++) {
  const started = performance.now();
  reportHtml(report, { host });
  times.push(performance.now() - started);
}

const html = reportHtml(report, { host });
const file = join(folder, 'page.html');
writeFileSync(file, html);
console.log(`${count} layers: ${(html.length / 1000).toFixed(0)} kB, made in ${median(times).toFixed(1)} ms`);

const sandbox = makeSandbox();
const { context, page } = await launchBrowser(sandbox);
await page.setViewportSize({ width: 700, height: 900 });
// The page is a file, which the workbench's tests do not let through.
await context.unrouteAll();
const empty = pageMegabytes(sandbox.browser);
await page.addInitScript(() => {
  globalThis.acquireVsCodeApi = () => ({ postMessage() {}, getState() {}, setState() {} });
});
await page.goto(pathToFileURL(file).href);
const figures = await page.evaluate(async () => {
  const { document, performance, requestAnimationFrame } = globalThis;
  const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
  const timed = async (body) => {
    const started = performance.now();
    body();
    await painted();
    return performance.now() - started;
  };

  const [head] = [...document.querySelectorAll('button.sort')].filter(
    ({ textContent }) => textContent === 'Layer',
  );
  const search = document.querySelector('input[type=search]');
  const find = (text) => {
    search.value = text;
    search.dispatchEvent(new globalThis.Event('input', { bubbles: true }));
  };

  const [navigation] = performance.getEntriesByType('navigation');
  const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
  return {
    scriptDone: navigation.domContentLoadedEventEnd,
    paint,
    sort: await timed(() => head.click()),
    search: await timed(() => find('block.77')),
    nodes: document.querySelectorAll('*').length,
  };
});
const session = await page.context().newCDPSession(page);
await session.send('Performance.enable');
const { metrics } = await session.send('Performance.getMetrics');
const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize').value;
const megabytes = pageMegabytes(sandbox.browser) - empty;
const ms = (value) => `${value?.toFixed(0) ?? '?'} ms`;
console.log(
  `in the browser: script done ${ms(figures.scriptDone)}, first paint ${ms(figures.paint)}, sort ${ms(figures.sort)}, search ${ms(figures.search)}, ${figures.nodes} elements, ${(heap / 1e6).toFixed(1)} MB of script memory, ${megabytes.toFixed(0)} MB of the process over an empty page`,
);
await context.close();
sandbox.dispose();
rmSync(folder, { recursive: true });
