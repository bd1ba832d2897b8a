import type { WeightCodes } from '@quantsmith/schemas';
import { decibels } from '@quantsmith/schemas/rounded';
import { element } from '../dom.js';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 100;

/** How many values of a weight round to each code: a chart, and what it says in figures. */
export function histogram(weights: WeightCodes): HTMLElement {
  const { counts, firstCode, bits, perChannel, halfRange, scales, decibels: level, dims } = weights;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const used = counts.filter((count) => count > 0).length;
  const zeros = counts[-firstCode] ?? 0;
  const summary = [
    `${dims.join('×')}, ${bits} bits${perChannel ? ' per channel' : ''}${halfRange ? ', half range' : ''}`,
    `scale ${[...new Set(scales.map((scale) => scale.toPrecision(3)))].join(' to ')}`,
    `${used} of ${counts.length} codes used`,
    `${((100 * zeros) / Math.max(1, total)).toFixed(1)} % of the values round to 0`,
    level === null ? 'no rounding noise' : `rounding alone: ${decibels(level)}`,
  ].join('; ');

  return element(
    'figure',
    {},
    chart(weights),
    element(
      'figcaption',
      {},
      `Values of ${weights.tensor} by code, ${firstCode} to ${firstCode + counts.length - 1}: ${summary}.`,
    ),
  );
}

function chart({ counts, tensor }: WeightCodes): SVGElement {
  const highest = counts.reduce((a, b) => Math.max(a, b), 1);
  const svg = document.createElementNS(SVG, 'svg');
  const attributes = {
    viewBox: `0 0 ${counts.length} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    ...{ class: 'histogram', role: 'img', 'aria-label': `Histogram of ${tensor}` },
  };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  for (const [code, count] of counts.entries()) {
    if (count === 0) continue;
    const height = Math.max(1, (HEIGHT * count) / highest);
    const bar = document.createElementNS(SVG, 'rect');
    const place = { x: code, y: HEIGHT - height, width: 0.9, height, class: 'int8' };
    for (const [name, value] of Object.entries(place)) bar.setAttribute(name, String(value));
    svg.append(bar);
  }

  return svg;
}
