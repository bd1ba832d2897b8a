import type { DropChart } from './document.js';
import { markup, NOTHING, type Markup } from './markup.js';
import { across, counts, domain, down, linear, xAxis, yAxis, type Plot } from './axes.js';

/** Keeps the marks at both ends off the edges. */
const MARGIN = 0.03;

/** Every state, the least validated drop for each number of operators as a line, the target and the final model. */
export function dropPlot({ points, final, target, tick, xLabel, yLabel }: DropChart): Plot | null {
  const drops = [...points.map((point) => point.drop), ...final.interval, final.drop, target ?? 0, 0];
  const range = domain(drops);
  if (range === null) return null;
  const highest = points.reduce((count, point) => Math.max(count, point.count), 1);
  const x = linear([0, highest], MARGIN);
  const y = linear(range.ends);
  const curve = leastDrops(points.filter((point) => point.validated)).map(
    ([count, drop]) => `${(100 * x(count)).toFixed(2)},${(100 - 100 * y(drop)).toFixed(2)}`,
  );
  const body = markup`${yAxis(range.ticks, y, tick)}${xAxis(counts(highest), x, String, xLabel)}
${target === null ? NOTHING : targetLine(down(y(target)))}<svg width="100%" height="100%" viewBox="0 0 100 100" preserveAspectRatio="none"><polyline class="curve" points="${curve.join(' ')}"/></svg>
${points.map(
  ({ count, drop, label, validated, state }) =>
    markup`<circle class="${validated ? 'point' : 'estimate'}" cx="${across(x(count))}" cy="${down(y(drop))}" r="4"${state === undefined ? NOTHING : markup` data-state="${state}"`}><title>${label}</title></circle>
`,
)}${finalMark(across(x(final.count)), down(y(final.drop)), final.interval.map((end) => down(y(end))) as [string, string])}`;

  const allowed = target === null ? '' : ' Dashed: the allowed drop.';
  const estimates = points.every((point) => point.validated)
    ? ''
    : ' Hollow: single operators, measured or predicted.';

  const legend = markup`<span class="quiet">Line: the smallest validated drop for each number.${estimates} Ring: the model that was written, with the 95 % interval of its drop.${allowed}</span>`;

  return { yLabel, body, legend };
}

function finalMark(x: string, y: string, [low, high]: readonly [string, string]): Markup {
  const cap = (end: string) =>
    markup`<svg class="anchor" x="${x}" y="${end}"><path class="interval" d="M-5 0h10"/></svg>`;

  return markup`<line class="interval" x1="${x}" x2="${x}" y1="${low}" y2="${high}"/>${cap(low)}${cap(high)}
<circle class="final" cx="${x}" cy="${y}" r="7"/>
`;
}

function targetLine(y: string): Markup {
  return markup`<line class="target" x1="0" x2="100%" y1="${y}" y2="${y}"/>
<text class="label" x="6" y="${y}" dy="-6">allowed</text>
`;
}

/** The least drop for each number of operators, by that number. */
function leastDrops(points: DropChart['points']): [count: number, drop: number][] {
  const least = new Map<number, number>();
  for (const { count, drop } of points) least.set(count, Math.min(drop, least.get(count) ?? Infinity));
  return [...least].sort(([a], [b]) => a - b);
}
