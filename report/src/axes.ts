import { markup, type Markup } from './markup.js';

/**
 * The room around a plot in pixels; that at its sides is the margin of the chart. Everything inside has its place in percent, so
 * a chart is as wide as its page, texts keep their size, and nothing is cut off.
 */
export const EDGE = { left: 64, right: 24, top: 28, bottom: 48 };
export const HEIGHT = 300;

/** What is drawn inside the axes of a chart, and what its marks mean. */
export interface Plot {
  /** What it is for screen readers; default: a picture, whose parts are hidden. */
  readonly role?: 'group';

  /** What is measured upward. */
  readonly yLabel: string;
  readonly body: Markup;
  readonly legend: Markup;
}

/** Places a value between 0 (left, bottom) and 1 (right, top). */
export type Scale = (value: number) => number;

export function linear([from, to]: readonly [number, number], margin = 0): Scale {
  return (value) => margin + ((value - from) / (to - from)) * (1 - 2 * margin);
}

/** A share as a place across or a length. Thousandths of a percent are finer than any screen. */
export const across = (share: number): string => `${Math.round(share * 1e5) / 1e3}%`;
/** A share from the bottom as a place from the top. */
export const down = (share: number): string => across(1 - share);

export function yAxis(ticks: readonly number[], y: Scale, text: (value: number) => string): Markup {
  return markup`${ticks.map(
    (
      value,
    ) => markup`<line class="grid" x1="0" x2="100%" y1="${down(y(value))}" y2="${down(y(value))}"/><text class="tick" x="-8" y="${down(y(value))}" dy="4" text-anchor="end">${text(value)}</text>
`,
  )}`;
}

/** Every other one is left out where the page is narrow. */
export function xAxis(
  ticks: readonly number[],
  x: Scale,
  text: (value: number) => string,
  label: string,
): Markup {
  return markup`${ticks.map(
    (
      value,
      index,
    ) => markup`<text class="tick${index % 2 === 1 ? ' minor' : ''}" x="${across(x(value))}" y="100%" dy="18" text-anchor="middle">${text(value)}</text>
`,
  )}<text class="label" x="50%" y="100%" dy="38" text-anchor="middle">${label}</text>
`;
}

interface Domain {
  readonly ends: readonly [number, number];
  readonly ticks: readonly number[];
}

/** Round ends and ticks around values; null where they leave nothing to draw. */
export function domain(values: readonly number[]): Domain | null {
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
export function below({ ends: [low, high], ticks }: Domain, limit: number): Domain {
  return {
    ends: [low, Math.min(high, Math.max(limit, low))],
    ticks: ticks.filter((tick) => tick <= limit + 1e-9),
  };
}

/** Whole numbers from 0, about ten at most. */
export function counts(highest: number): number[] {
  const step = Math.max(1, tickStep(highest / 10));
  return Array.from({ length: Math.floor(highest / step) + 1 }, (_, index) => index * step);
}

/** The next of 1, 2, 5 times a power of ten. */
function tickStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9)) ?? NaN;
}
