import type { ScatterChart } from './document.js';
import { markup, NOTHING, type Markup } from './markup.js';
import { across, below, domain, down, linear, xAxis, yAxis, type Plot, type Scale } from './axes.js';

/** Keeps the marks at both ends off the edges. */
const MARGIN = 0.03;

/** Points that nothing beats in both directions are filled; the title of a point names all that lie in its place, itself first. */
export function scatterPlot({ points, xTick, yTick, xLabel, yLabel, yMost }: ScatterChart): Plot | null {
  const wide = domain(around(points.flatMap((point) => [point.x, ...(point.xSpread ?? [])])));
  const whole = domain(around(points.flatMap((point) => [point.y, ...(point.ySpread ?? [])])));
  if (wide === null || whole === null) return null;
  const high = yMost === null ? whole : below(whole, yMost);
  const x = linear(wide.ends, MARGIN);
  const y = linear(high.ends);
  const bars = points.map((point) => spreadBars(point, x, y, high.ends[1]));
  const marks = points.map((point) => {
    const { x: rightward, y: upward, label, href, best } = point;
    const isHere = (other: typeof point) => other !== point && other.x === rightward && other.y === upward;
    const names = [label, ...points.filter(isHere).map((other) => other.label)].join('; ');
    const circle = markup`<circle class="${best ? 'point' : 'estimate'}" cx="${across(x(rightward))}" cy="${down(y(upward))}" r="5"><title>${names}</title></circle>
`;

    return href === null ? circle : markup`<a href="${href}" aria-label="${names}">${circle}</a>`;
  });
  // Marks lie above all lines: a line of another point must not take the pointer from them.
  const body = markup`${yAxis(high.ticks, y, yTick)}${xAxis(wide.ticks, x, xTick, xLabel)}${bars}${marks}`;

  const spreads = [
    ...(points.some(({ ySpread = null }) => ySpread !== null) ? ['95 % interval of the accuracy'] : []),
    ...(points.some(({ xSpread = null }) => xSpread !== null)
      ? ['10th to 90th percentile of the latency']
      : []),
  ];
  const spread = spreads.length === 0 ? '' : ` Lines: ${spreads.join(', ')}.`;
  const legend = markup`${points.length} runs; the table below has every figure. <span class="quiet">Filled: no other run is at least as good in both.${spread}</span>`;

  // Links in a picture could not be reached.
  const role = points.some(({ href }) => href !== null) ? { role: 'group' as const } : {};
  return { yLabel, body, legend, ...role };
}

/** Lines through a point that show its spread; a chart ends where no value can be. */
function spreadBars(
  { x: rightward, y: upward, xSpread = null, ySpread = null }: ScatterChart['points'][number],
  x: Scale,
  y: Scale,
  yMost: number,
): Markup {
  const line = (x1: number, x2: number, y1: number, y2: number) =>
    markup`<line class="spread" x1="${across(x(x1))}" x2="${across(x(x2))}" y1="${down(y(y1))}" y2="${down(y(y2))}"/>
`;
  const bounded = (value: number) => Math.min(value, yMost);
  const sideways = xSpread === null ? NOTHING : line(xSpread[0], xSpread[1], upward, upward);
  const upwards =
    ySpread === null ? NOTHING : line(rightward, rightward, bounded(ySpread[0]), bounded(ySpread[1]));

  return markup`${sideways}${upwards}`;
}

/** Values with a little room around them, where they are all alike too. */
function around(values: readonly number[]): number[] {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}
