// What the zoo prints: a line for each model, ours beside the peers.

const HEAD = [
  ...['model', 'family', 'measure', 'float', 'ours', 'NNCF', 'ORT', 'ours − best', 'self-check'],
  ...['latency ratio', 'integer operators', 'size'],
];
const MARGINS = { 'top-1': 0.2, SQNR: 1 };

/** A Markdown table of all results, and what falls short below it. */
export function zooTable(results) {
  const rows = results.map(row);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const short = results.filter(({ compared }) => compared?.ours !== undefined).flatMap(shortfall);
  const failed = results.filter(
    ({ failed: reason, refused, wanted }) => reason !== undefined || refused !== wanted,
  );
  return [
    line(HEAD),
    line(HEAD.map(() => '---')),
    ...rows.map(line),
    '',
    `${results.length} models of ${new Set(results.map(({ family }) => family)).size} families; failed: ${failed.length}; short of the best peer by more than 0.2 points or 1 dB: ${short.length === 0 ? 'none' : short.join(', ')}.`,
  ].join('\n');
}

function row(result) {
  const { name, family, refused, failed, compared } = result;
  const rest = (text) => [name, family, text, ...Array.from({ length: HEAD.length - 3 }, () => '')];
  if (failed !== undefined) return rest(`failed: ${failed}`);
  if (refused !== undefined) return rest(`refused by \`check\`: ${refused}`);
  if (compared.ours === undefined) return rest(`not compared: ${compared.failed}`);
  const measure = measureOf(compared);
  const text = (tool) => {
    const value = valueOf(compared[tool], measure);
    if (value !== null) return value.toFixed(measure === 'SQNR' ? 1 : 2);
    if (tool === 'float') return '';
    // Nothing differs from the float model: the peer has quantized nothing that is computed.
    return compared[tool] === undefined ? 'failed' : 'float';
  };

  const difference = differenceOf(compared);
  const { integer, float } = compared.ours.kernels;
  return [
    ...[name, family, measure === 'SQNR' ? 'SQNR, dB' : 'top-1, %'],
    ...[measure === 'SQNR' ? '' : text('float'), text('ours'), text('nncf'), text('ort')],
    difference === null ? '–' : difference.toFixed(measure === 'SQNR' ? 1 : 2),
    result.verified ? 'passed' : 'not passed',
    (compared.float.latency_ms / compared.ours.latency_ms).toFixed(2),
    `${integer}/${integer + float}`,
    (compared.float.bytes / compared.ours.bytes).toFixed(2),
  ];
}

const measureOf = ({ ours }) => (ours.top1 === undefined ? 'SQNR' : 'top-1');

function valueOf(figures, measure) {
  if (figures === undefined) return null;
  return measure === 'SQNR' ? (figures.sqnr_db ?? null) : 100 * figures.top1;
}

function differenceOf(compared) {
  const measure = measureOf(compared);
  const peers = ['nncf', 'ort'].flatMap((tool) => valueOf(compared[tool], measure) ?? []);
  return peers.length === 0 ? null : valueOf(compared.ours, measure) - Math.max(...peers);
}

function shortfall({ name, compared }) {
  const difference = differenceOf(compared);
  return difference !== null && difference < -MARGINS[measureOf(compared)] ? [name] : [];
}
