import type { Chart, DropChart, NoiseChart, ScatterChart } from './document.js';
import { decibels } from './figures.js';
import { markup, NOTHING, type Markup } from './markup.js';

/** Units of a chart's viewBox; the page scales it to its width. */
const WIDTH = 880;
const HEIGHT = 300;
const EDGE = { left: 116, right: 24, top: 16, bottom: 48 };
const BOTTOM = HEIGHT - EDGE.bottom;

/** A chart as inline SVG; the page's style colours it, its title and summary are its text for screen readers. */
export function chartSvg(chart: Chart, id: string): Markup {
  const drawn = draw(chart);
  if (drawn === null) return NOTHING;
  return markup`<figure tabindex="0" aria-labelledby="${id}-title">
<svg viewBox="0 0 ${drawn.width} ${HEIGHT}" width="${drawn.width}" height="${HEIGHT}" role="${drawn.role ?? 'img'}" aria-labelledby="${id}-title" aria-describedby="${id}-text">
<title id="${id}-title">${chart.title}</title>
${drawn.body}</svg>
<figcaption id="${id}-text"><strong>${chart.title}.</strong> ${chart.summary} ${drawn.legend}</figcaption>
</figure>
`;
}

function draw(chart: Chart): Drawn | null {
  switch (chart.type) {
    case 'drop':
      return dropSvg(chart);
    case 'noise':
      return noiseSvg(chart);
    case 'scatter':
      return scatterSvg(chart);
  }
}

interface Drawn {
  /** What it is for screen readers; default: a picture, whose parts are hidden. */
  readonly role?: 'group';

  readonly width: number;
  readonly body: Markup;
  readonly legend: Markup;
}
type Scale = (value: number) => number;

/** Every state, the least validated drop for each number of operators as a line, the target and the final model. */
function dropSvg({ points, final, target, tick, xLabel, yLabel }: DropChart): Drawn | null {
  const drops = [...points.map((point) => point.drop), ...final.interval, final.drop, target ?? 0, 0];
  const range = domain(drops);
  if (range === null) return null;
  const highest = points.reduce((count, point) => Math.max(count, point.count), 1);
  const x = linear([0, highest], [EDGE.left + 16, WIDTH - EDGE.right - 16]);
  const y = linear(range.ends, [BOTTOM, EDGE.top]);
  const curve = leastDrops(points.filter((point) => point.validated)).map(
    ([count, drop]) => `${x(count).toFixed(1)},${y(drop).toFixed(1)}`,
  );
  const body = markup`${yAxis(range.ticks, y, tick, WIDTH)}${xAxis(highest, x, xLabel)}
<text class="label" transform="translate(14 ${(BOTTOM + EDGE.top) / 2}) rotate(-90)" text-anchor="middle">${yLabel}</text>
${target === null ? NOTHING : targetLine(y(target))}<polyline class="curve" points="${curve.join(' ')}"/>
${points.map(
  ({ count, drop, label, validated }) =>
    markup`<circle class="${validated ? 'point' : 'estimate'}" cx="${x(count)}" cy="${y(drop)}" r="3.5"><title>${label}</title></circle>
`,
)}${finalMark(x(final.count), y(final.drop), y(final.interval[0]), y(final.interval[1]))}`;

  const allowed = target === null ? '' : ' Dashed: the drop that is allowed.';
  const estimates = points.every((point) => point.validated)
    ? ''
    : ' Hollow: operators alone, measured or expected.';

  const legend = markup`<span class="quiet">Line: the least validated drop for each number.${estimates} Ring: the model that was written, with the 95 % interval of its drop.${allowed}</span>`;

  return { width: WIDTH, body, legend };
}

function finalMark(x: number, y: number, low: number, high: number): Markup {
  return markup`<path class="interval" d="M${x} ${low}V${high}M${x - 5} ${low}h10M${x - 5} ${high}h10"/>
<circle class="final" cx="${x}" cy="${y}" r="6"/>
`;
}

function targetLine(y: number): Markup {
  return markup`<path class="target" d="M${EDGE.left} ${y}H${WIDTH - EDGE.right}"/>
<text class="label" x="${EDGE.left + 6}" y="${y - 6}">allowed</text>
`;
}

/** The least drop for each number of operators, by that number. */
function leastDrops(points: DropChart['points']): [count: number, drop: number][] {
  const least = new Map<number, number>();
  for (const { count, drop } of points) least.set(count, Math.min(drop, least.get(count) ?? Infinity));
  return [...least].sort(([a], [b]) => a - b);
}

/** One column for each layer; hollow ones compute in float, so that colour is not all that tells them apart. */
function noiseSvg({ bars }: NoiseChart): Drawn | null {
  const range = domain([0, ...bars.flatMap((bar) => bar.decibels ?? [])]);
  if (range === null) return null;
  // Many layers make a wider chart, which scrolls: a column narrower than this could not be pointed at.
  const width = Math.max(WIDTH, EDGE.left + EDGE.right + 5 * bars.length);
  const step = (width - EDGE.left - EDGE.right) / bars.length;
  const thickness = Math.min(step * 0.7, 40);
  const y = linear(range.ends, [BOTTOM, EDGE.top]);
  const columns = bars.map(({ decibels: value, float, label }, index) => {
    const x = EDGE.left + (index + 0.5) * step - thickness / 2;
    const kind = value === null ? 'absent' : float ? 'float' : 'int8';
    const height = value === null ? 2 : Math.max(1, Math.abs(y(value) - y(0)));
    const top = value === null ? y(0) - 2 : Math.min(y(value), y(0));
    return markup`<rect class="${kind}" x="${x}" y="${top}" width="${thickness}" height="${height}"><title>${label}</title></rect>
`;
  });
  const body = markup`${yAxis(range.ticks, y, decibels, width)}<text class="label" x="${EDGE.left}" y="${BOTTOM + 20}">first layer</text>
<text class="label" x="${width - EDGE.right}" y="${BOTTOM + 20}" text-anchor="end">last layer</text>
${columns}`;

  const legend = markup`<span class="quiet"><span class="whole"><span class="key int8"></span>quantized</span> <span class="whole"><span class="key float"></span>float.</span> The table below has every figure.</span>`;

  return { width, body, legend };
}

/** Points that nothing beats in both directions are filled. */
function scatterSvg({ points, xTick, yTick, xLabel, yLabel, yMost }: ScatterChart): Drawn | null {
  const across = domain(around(points.map((point) => point.x)));
  const whole = domain(around(points.map((point) => point.y)));
  if (across === null || whole === null) return null;
  const yDomain = yMost === null ? whole : below(whole, yMost);
  const x = linear(across.ends, [EDGE.left + 16, WIDTH - EDGE.right - 16]);
  const y = linear(yDomain.ends, [BOTTOM, EDGE.top]);
  const body = markup`${yAxis(yDomain.ticks, y, yTick, WIDTH)}${across.ticks.map(
    (
      value,
    ) => markup`<text class="tick" x="${x(value)}" y="${BOTTOM + 18}" text-anchor="middle">${xTick(value)}</text>
`,
  )}<text class="label" x="${(EDGE.left + WIDTH - EDGE.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${xLabel}</text>
<text class="label" transform="translate(14 ${(BOTTOM + EDGE.top) / 2}) rotate(-90)" text-anchor="middle">${yLabel}</text>
${points.map(({ x: across, y: upward, label, href, best }) => {
  const circle = markup`<circle class="${best ? 'point' : 'estimate'}" cx="${x(across)}" cy="${y(upward)}" r="5"><title>${label}</title></circle>
`;

  return href === null ? circle : markup`<a href="${href}" aria-label="${label}">${circle}</a>`;
})}`;

  const legend = markup`<span class="quiet">Filled: no other run is at least as good in both.</span>`;

  // Links in a picture could not be reached.
  const role = points.some(({ href }) => href !== null) ? { role: 'group' as const } : {};
  return { width: WIDTH, body, legend, ...role };
}

/** Values with a little room around them, where they are all alike too. */
function around(values: readonly number[]): number[] {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}

function yAxis(ticks: readonly number[], y: Scale, text: (value: number) => string, width: number): Markup {
  return markup`${ticks.map(
    (value) => markup`<path class="grid" d="M${EDGE.left} ${y(value)}H${width - EDGE.right}"/>
<text class="tick" x="${EDGE.left - 8}" y="${y(value) + 4}" text-anchor="end">${text(value)}</text>
`,
  )}`;
}

/** Whole numbers, about ten at most. */
function xAxis(highest: number, x: Scale, label: string): Markup {
  const step = Math.max(1, tickStep(highest / 10));
  const counts = Array.from({ length: Math.floor(highest / step) + 1 }, (_, index) => index * step);
  return markup`${counts.map(
    (
      count,
    ) => markup`<text class="tick" x="${x(count)}" y="${BOTTOM + 18}" text-anchor="middle">${count}</text>
`,
  )}<text class="label" x="${(EDGE.left + WIDTH - EDGE.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${label}</text>
`;
}

function linear([from, to]: readonly [number, number], [start, end]: readonly [number, number]): Scale {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

interface Domain {
  readonly ends: readonly [number, number];
  readonly ticks: readonly number[];
}

/** Round ends and ticks around values; null where they leave nothing to draw. */
function domain(values: readonly number[]): Domain | null {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const step = tickStep((high - low) / 5);
  if (!(step > 0) || !Number.isFinite(step)) return null;
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);

  return { ends: [first * step, last * step], ticks };
}

/** A domain without what no value can reach. */
function below({ ends: [low, high], ticks }: Domain, limit: number): Domain {
  return {
    ends: [low, Math.min(high, Math.max(limit, low))],
    ticks: ticks.filter((tick) => tick <= limit + 1e-9),
  };
}

/** The next of 1, 2, 5 times a power of ten. */
function tickStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9)) ?? NaN;
}
