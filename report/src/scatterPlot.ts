import type { ScatterChart } from './document.js';
import { markup } from './markup.js';
import { across, below, domain, down, linear, xAxis, yAxis, type Plot } from './axes.js';

/** Keeps the marks at both ends off the edges. */
const MARGIN = 0.03;

/** Points that nothing beats in both directions are filled. */
export function scatterPlot({ points, xTick, yTick, xLabel, yLabel, yMost }: ScatterChart): Plot | null {
  const wide = domain(around(points.map((point) => point.x)));
  const whole = domain(around(points.map((point) => point.y)));
  if (wide === null || whole === null) return null;
  const high = yMost === null ? whole : below(whole, yMost);
  const x = linear(wide.ends, MARGIN);
  const y = linear(high.ends);
  const body = markup`${yAxis(high.ticks, y, yTick)}${xAxis(wide.ticks, x, xTick, xLabel)}${points.map(
    ({ x: rightward, y: upward, label, href, best }) => {
      const circle = markup`<circle class="${best ? 'point' : 'estimate'}" cx="${across(x(rightward))}" cy="${down(y(upward))}" r="5"><title>${label}</title></circle>
`;

      return href === null ? circle : markup`<a href="${href}" aria-label="${label}">${circle}</a>`;
    },
  )}`;

  const legend = markup`<span class="quiet">Filled: no other run is at least as good in both.</span>`;

  // Links in a picture could not be reached.
  const role = points.some(({ href }) => href !== null) ? { role: 'group' as const } : {};
  return { yLabel, body, legend, ...role };
}

/** Values with a little room around them, where they are all alike too. */
function around(values: readonly number[]): number[] {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}
