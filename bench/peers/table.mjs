// What the peers' benchmark prints.

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
};

const percent = (share) => (share === undefined ? '–' : (100 * share).toFixed(2));

/** One tool's figures, as text. */
function row(name, runs, evaluated) {
  const failed = runs.find((run) => run.failed !== undefined)?.failed;
  if (failed !== undefined) return [name, `failed: ${failed.slice(0, 90)}`];
  const { top1, top5, agreement, sqnr_db: sqnr, latency_ms: latency, kernels, bytes } = evaluated;
  const { integer, float, integer_products: products, float_products: floatProducts } = kernels;
  const memory = median(runs.map((run) => run.peak_bytes - run.baseline_bytes));
  return [
    name,
    `${median(runs.map((run) => run.seconds)).toFixed(2)} s`,
    `${(memory / 1e6).toFixed(0)} MB`,
    percent(top1),
    percent(top5),
    percent(agreement),
    sqnr === null || sqnr === undefined ? '–' : sqnr.toFixed(2),
    `${latency.toFixed(2)} ms`,
    `${integer}/${integer + float}`,
    `${products}/${products + floatProducts}`,
    `${(bytes / 1e6).toFixed(2)} MB`,
  ];
}

const HEAD = [
  'tool',
  'time',
  'extra memory',
  'top-1',
  'top-5',
  'agrees',
  'SQNR dB',
  'latency',
  'integer operators',
  'integer products',
  'size',
];

/** A Markdown table of all tools on one model, with ours against the best peer below it. */
export function peerTable(model, { prepared, plain, runs, evaluated }) {
  const float = evaluated.float;
  const rows = Object.entries(runs).map(([name, all]) => row(name, all, evaluated[name]));
  const floatRow = [
    'float',
    `${plain.seconds.toFixed(2)} s`,
    '',
    percent(float.top1),
    percent(float.top5),
    '',
    '',
    `${float.latency_ms.toFixed(2)} ms`,
  ];
  const line = (cells) => `| ${HEAD.map((_, i) => cells[i] ?? '').join(' | ')} |`;
  return [
    `\n### ${model} (${prepared.counts.calibration} calibration, ${prepared.counts.validation} validation samples)\n`,
    line(HEAD),
    `|${HEAD.map(() => ' --- ').join('|')}|`,
    line(floatRow),
    ...rows.map(line),
    '',
    ...comparison({ plain, runs, evaluated }).map((text) => `- ${text}`),
    ...prepared.notes.map((note) => `- peers: ${note}`),
  ].join('\n');
}

function comparison({ plain, runs, evaluated }) {
  const done = (name) => runs[name] !== undefined && runs[name].every((run) => run.failed === undefined);
  const peers = Object.keys(runs).filter((name) => !name.startsWith('ours') && done(name));
  if (!done('ours') || peers.length === 0) return [];
  // A percentile run has fewer samples: its time says nothing.
  const timed = peers.filter((name) => !name.includes('percentile'));
  const seconds = (name) => median(runs[name].map((run) => run.seconds));
  const memory = (name) => median(runs[name].map((run) => run.peak_bytes - run.baseline_bytes));
  const calibrate = median(runs.ours.map((run) => run.calibrate_seconds));
  const least = (of) => Math.min(...timed.map(of));
  const quality = (name) => evaluated[name].top1 ?? evaluated[name].sqnr_db ?? 0;
  const unit = evaluated.ours.top1 === undefined ? 'dB' : 'points';
  const scale = unit === 'dB' ? 1 : 100;
  const best = Math.max(...peers.map(quality));
  return [
    `time: ${(seconds('ours') / least(seconds)).toFixed(2)} of the faster peer's`,
    `memory: ${(memory('ours') / least(memory)).toFixed(2)} of the smaller peer's`,
    `latency: ${(evaluated.ours.latency_ms / Math.min(...peers.map((name) => evaluated[name].latency_ms))).toFixed(2)} of the faster peer's`,
    `${unit === 'dB' ? 'output SQNR' : 'top-1'}: ${(scale * (quality('ours') - best)).toFixed(2)} ${unit} against the best peer`,
    `calibration: ${(calibrate / plain.seconds).toFixed(2)} times the plain inference of the same samples`,
  ];
}
