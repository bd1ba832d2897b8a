// The figures of the docs: weights on their grid, the ranges of an activation, the layers of a run, and a restoration. Each is
// one SVG that needs nothing else and is readable in light and dark.
import { readArrayFile } from '@quantsmith/model/arrays';
import { encodeModel, readFloats, readModel, withOutputs } from '@quantsmith/model/onnx';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as ort from 'onnxruntime-node';

const root = resolve(import.meta.dirname, '../..');
const example = join(root, 'examples/resnet');
const digits = join(root, 'examples/digits/data');
const images = join(root, 'docs/images');
/** The room around the plot of a report's chart (report/src/axes.ts). */
const EDGE = { left: 64, right: 24 };
const WIDTH = 880;
const PANEL = 190;
const BINS = 110;

const STYLE = `:root { color-scheme: light dark; --text: #1f2328; --page: #ffffff; --quiet: #59636e; --line: #d1d9e0; --int8: #0969da; --other: #bc4c00; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --page: #0d1117; --quiet: #9198a1; --line: #3d444d; --int8: #4493f8; --other: #f0883e; } }
svg { fill: var(--text); font: 12px system-ui, sans-serif; background: var(--page); }
.grid { stroke: var(--line); stroke-width: 1; } .tick, .label, .quiet { fill: var(--quiet); }
.curve { fill: none; stroke: var(--int8); stroke-width: 2; } .point, .int8 { fill: var(--int8); }
.estimate { fill: none; stroke: var(--int8); stroke-width: 1.2; } .final { fill: none; stroke: var(--text); stroke-width: 2; }
.interval { fill: none; stroke: var(--text); stroke-width: 1.5; }
.target { stroke: var(--other); stroke-width: 1.5; stroke-dasharray: 6 4; } .range { stroke: var(--other); stroke-width: 1.5; }
rect.float { fill: none; stroke: var(--other); stroke-width: 1.5; }
svg.chart, svg.plot, svg.anchor { overflow: visible; } .curve { vector-effect: non-scaling-stroke; }`;

const svg = (width: number, height: number, body: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">\n<style>${STYLE}</style>\n<rect width="${width}" height="${height}" fill="var(--page)"/>\n${body}</svg>\n`;

interface Panel {
  readonly title: string;
  readonly values: Float32Array;
  /** Values to mark by a line, with what stands beside it. */
  readonly marks: readonly { readonly value: number; readonly label: string }[];
}

/** Histograms over one common axis, one below the other; counts are drawn by their square root, so that tails are seen. */
function histograms(panels: readonly Panel[]): string {
  // A mark may lie beyond all values: a symmetric range around values that are not.
  const marked = panels.flatMap(({ marks }) => marks.map(({ value }) => value));
  const low = Math.min(...panels.map(({ values }) => extent(values)[0]), ...marked);
  const high = Math.max(...panels.map(({ values }) => extent(values)[1]), ...marked);
  const x = (value: number) => 24 + ((value - low) / (high - low)) * (WIDTH - 48);
  const body = panels.map(({ title, values, marks }, panel) => {
    const counts = new Array<number>(BINS).fill(0);
    for (const value of values) {
      const bin = Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }

    const bottom = (panel + 1) * PANEL - 30;
    const tallest = Math.sqrt(Math.max(...counts));
    const step = (WIDTH - 48) / BINS;
    const bars = counts.map((count, bin) => {
      const height = (Math.sqrt(count) / tallest) * (PANEL - 80);
      return `<rect class="int8" x="${(24 + bin * step).toFixed(1)}" y="${(bottom - height).toFixed(1)}" width="${(step - 0.6).toFixed(1)}" height="${height.toFixed(1)}"/>`;
    });
    const lines = marks.map(({ value, label }, index) => {
      const top = bottom - (PANEL - 80) - 6 - (index % 2) * 12;
      const anchor = x(value) > WIDTH * 0.7 ? 'end' : 'start';
      return `<path class="range" d="M${x(value).toFixed(1)} ${bottom}V${top}"/><text x="${(x(value) + (anchor === 'end' ? -4 : 4)).toFixed(1)}" y="${top + 8}" text-anchor="${anchor}">${label}</text>`;
    });
    const axis = `<path class="grid" d="M24 ${bottom}H${WIDTH - 24}"/>${[low, 0, high].map((value) => `<text class="tick" x="${x(value).toFixed(1)}" y="${bottom + 16}" text-anchor="middle">${value.toFixed(2)}</text>`).join('')}`;
    return `<text x="24" y="${panel * PANEL + 20}" font-weight="600">${title}</text>\n${bars.join('')}\n${lines.join('')}\n${axis}\n`;
  });
  return svg(WIDTH, panels.length * PANEL, body.join(''));
}

function extent(values: Float32Array): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}

/** SQNR in dB of values on an asymmetric grid of 8 bits over [low, high]: signal power over the power of the error. */
function sqnr(values: Float32Array, low: number, high: number): number {
  const scale = (high - low) / 255;
  let [signal, noise] = [0, 0];
  for (const value of values) {
    const code = Math.min(255, Math.max(0, Math.round((value - low) / scale)));
    signal += value * value;
    noise += (value - (code * scale + low)) ** 2;
  }

  return 10 * Math.log10(signal / noise);
}

/** One layer's weights: the grid of the whole layer over its narrowest channel, and that channel's own. */
async function weightsFigure(): Promise<string> {
  const { model } = await readModel(join(example, 'resnet.onnx'));
  const tensors = (model.graph?.initializer ?? []).filter(
    ({ dims }) => dims.length === 4 && dims.slice(1).reduce((size, dim) => size * dim, 1n) >= 100n,
  );
  const layers = tensors.map((tensor) => {
    const values = readFloats(tensor, example);
    const size = values.length / Number(tensor.dims[0]);
    const channels = Array.from({ length: Number(tensor.dims[0]) }, (_, channel) =>
      values.subarray(channel * size, (channel + 1) * size),
    );
    const largest = (of: Float32Array) => Math.max(...extent(of).map(Math.abs));
    const narrow = channels.reduce((least, channel) => (largest(channel) < largest(least) ? channel : least));
    return { name: tensor.name, values, narrow, spread: largest(values) / largest(narrow), largest };
  });
  const layer = layers.reduce((most, other) => (other.spread > most.spread ? other : most));
  const { values, narrow, spread, largest } = layer;
  const [whole, own] = [largest(values), largest(narrow)];
  const noise = (range: number) => `${sqnr(narrow, -range, range).toFixed(1)} dB`;
  return histograms([
    {
      title: `All weights of ${layer.name}: one scale for the layer`,
      values,
      marks: [-whole, whole].map((value) => ({ value, label: value.toFixed(2) })),
    },
    {
      title: `Its narrowest channel, ${spread.toFixed(1)} times narrower: ${noise(whole)} on the layer's grid, ${noise(own)} on a grid of its own`,
      values: narrow,
      marks: [-own, own].map((value) => ({ value, label: value.toFixed(2) })),
    },
  ]);
}

/** The activation whose ranges differ most, with three ranges and what each makes of the same values. */
async function rangesFigure(): Promise<string> {
  const { model } = await readModel(join(example, 'resnet.onnx'));
  const tensors = (model.graph?.node ?? [])
    .filter(({ opType }) => opType === 'Conv')
    .map(({ output }) => output[0]!);
  const session = await ort.InferenceSession.create(encodeModel(withOutputs(model, tensors)));
  const data = readArrayFile(join(digits, 'calibration.npy'), ['data']);
  const pixels = Float32Array.from(data.rows(0, data.shape[0]!) as Iterable<number>, (value) => value / 16);
  const input = new ort.Tensor('float32', pixels, [data.shape[0]!, 1, ...data.shape.slice(1)]);
  const outputs = await session.run({ [session.inputNames[0]!]: input });
  const activations = tensors.map((name) => {
    const values = outputs[name]!.data as Float32Array;
    const size = values.length / data.shape[0]!;
    const perSample = Array.from({ length: data.shape[0]! }, (_, sample) =>
      extent(values.subarray(sample * size, (sample + 1) * size)),
    );
    const mean = ([0, 1] as const).map(
      (end) => perSample.reduce((sum, ends) => sum + ends[end], 0) / perSample.length,
    );
    return { name, values, whole: extent(values), mean: [mean[0]!, mean[1]!] as const };
  });
  const widest = activations.reduce((most, other) =>
    (other.whole[1] - other.whole[0]) / (other.mean[1] - other.mean[0]) >
    (most.whole[1] - most.whole[0]) / (most.mean[1] - most.mean[0])
      ? other
      : most,
  );
  const sorted = widest.values.slice().sort();
  const quantile = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  const ranges = [
    ['minmax: the outermost values', ...widest.whole],
    ['mean_minmax: their mean over samples', ...widest.mean],
    ['1 % left out at each end', quantile(0.01), quantile(0.99)],
  ] as const;
  return histograms(
    ranges.map(([name, low, high]) => ({
      title: `${name}, ${low.toFixed(2)} … ${high.toFixed(2)}: ${sqnr(widest.values, low, high).toFixed(1)} dB`,
      values: widest.values,
      marks: [
        { value: low, label: '' },
        { value: high, label: '' },
      ],
    })),
  );
}

/** The charts of the report of the tutorial's run with weights of 4 bits. */
function reportFigures(): { readonly layers: string; readonly restoration: string } {
  const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-figures-'));
  try {
    const config = join(scratch, 'four.quant.yaml');
    writeFileSync(
      config,
      `model: ${join(example, 'resnet.onnx')}
output: four.int8.onnx
data:
  calibration: { arrays: ${join(digits, 'calibration.npy')}, preprocess: { scale: 16 } }
  validation:
    arrays: ${join(digits, 'validation.npy')}
    labels: ${join(digits, 'validation-labels.npy')}
    preprocess: { scale: 16 }
quantization:
  advanced_parameters:
    weights_quantization_params: { num_bits: 4, per_channel: false }
accuracy_control: { metric: top1, max_drop: 0.01 }
`,
    );
    const cli = join(root, 'dist/cli.cjs');
    execFileSync(process.execPath, [cli, 'run', config], { cwd: scratch, stdio: 'ignore' });
    const page = join(scratch, 'report.html');
    execFileSync(process.execPath, [cli, 'report', join(scratch, 'four.int8.onnx'), '--output', page], {
      stdio: 'ignore',
    });
    const charts = [
      ...readFileSync(page, 'utf8').matchAll(
        /<svg class="chart" height="(\d+)"[^>]*>(.*?)<\/svg>\s*<figcaption/gs,
      ),
    ];
    const chart = (title: RegExp) => {
      const found = charts.find(([, , body = '']) => title.test(body));
      if (found === undefined) throw new Error(`The report has no chart ${String(title)}.`);
      const [, height, body = ''] = found;
      // In a page the chart has its margin from the style; here it stands at its place.
      const inner = `<svg class="chart" x="${EDGE.left}" width="${WIDTH - EDGE.left - EDGE.right}" height="${height}">${body}</svg>`;
      return svg(WIDTH, Number(height), inner);
    };

    return {
      layers: chart(/<title[^>]*>[^<]*(noise|SQNR)/i),
      restoration: chart(/<title[^>]*>[^<]*drop/i),
    };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

mkdirSync(images, { recursive: true });
const { layers, restoration } = reportFigures();
const figures = {
  'weights.svg': await weightsFigure(),
  'ranges.svg': await rangesFigure(),
  'layers.svg': layers,
  'restoration.svg': restoration,
};
for (const [name, text] of Object.entries(figures)) {
  writeFileSync(join(images, name), text);
  console.log(`docs/images/${name}`);
}
