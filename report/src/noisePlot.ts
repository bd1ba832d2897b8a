import { decibels } from '@quantsmith/schemas';
import type { NoiseChart } from './document.js';
import { markup } from './markup.js';
import { across, domain, down, linear, yAxis, type Plot } from './axes.js';

/** From so many columns on there is no room for gaps between them. */
const MANY = 150;
const MAX_THICKNESS = 0.05;

/** One column for each layer; hollow ones compute in float, so that colour is not all that tells them apart. */
export function noisePlot({ bars }: NoiseChart): Plot | null {
  const range = domain([0, ...bars.flatMap((bar) => bar.decibels ?? [])]);
  if (range === null) return null;
  const step = 1 / bars.length;
  const thickness = bars.length > MANY ? step : Math.min(step * 0.7, MAX_THICKNESS);
  const y = linear(range.ends);
  const columns = bars.map(({ decibels: value, float, label }, index) => {
    const x = across((index + 0.5) * step - thickness / 2);
    const kind = value === null ? 'absent' : float ? 'float' : 'int8';
    const place = value === null ? y(0) : Math.max(y(value), y(0));
    const height = value === null ? '2' : across(Math.max(0.004, Math.abs(y(value) - y(0))));
    return markup`<rect class="${kind}" x="${x}" y="${down(place)}" width="${across(thickness)}" height="${height}"><title>${label}</title></rect>
`;
  });

  const body = markup`${yAxis(range.ticks, y, decibels)}<text class="label" x="0" y="100%" dy="20">first layer</text>
<text class="label" x="100%" y="100%" dy="20" text-anchor="end">last layer</text>
${columns}`;

  const legend = markup`<span class="quiet"><span class="whole"><span class="key int8"></span>quantized</span> <span class="whole"><span class="key float"></span>float.</span> The table below has every figure.</span>`;

  return { yLabel: 'SQNR', body, legend };
}
