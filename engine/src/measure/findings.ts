import type { Problem } from '@quantsmith/schemas';
import type { Latency } from './latency.js';
import type { OperatorCost, Slowdown } from './slowdown.js';

/** A ratio of float to int8 above this is no loss that anybody would notice. */
export const AS_FAST = 0.97;

/** Whether the quantized model is slower on this machine, beyond what the spread of the times explains. */
export const isSlower = ({ ratio }: Pick<Latency, 'ratio'>): boolean => ratio !== null && ratio[1] < AS_FAST;

/** Says so, with what costs most and what would help. `hasDotProducts`: this CPU has instructions for int8 (VNNI and the like). */
export function latencyProblems(
  { floatMedian, quantizedMedian, ratio, busy, runs }: Latency,
  slowdown: Slowdown | null,
  hasDotProducts: boolean,
): Problem[] {
  if (ratio === null || !isSlower({ ratio })) return [];
  const [low, high] = ratio.map((bound) => bound.toFixed(2));
  const sentences = [
    `The quantized model is slower than the float model here: ${inMs(quantizedMedian)} against ${inMs(floatMedian)} (float / int8 between ${low} and ${high} with 95 % confidence, ${runs} runs each).`,
    ...(busy ? ['The machine was busy.'] : []),
    ...(slowdown === null ? [] : [...costs(slowdown), help(slowdown)]),
    ...(hasDotProducts
      ? []
      : ['This CPU has no 8-bit dot-product instructions, which make int8 fast on others.']),
  ];

  return [
    {
      code: 'slower-than-float',
      severity: 'warning',
      message: sentences.join(' '),
      configPath: ['model'],
      data: { floatMedian, quantizedMedian, ratio, ...(slowdown === null ? {} : dataOf(slowdown)) },
    },
  ];
}

const inMs = (milliseconds: number) => `${milliseconds.toPrecision(3)} ms`;
const nameOf = ({ operators, op }: OperatorCost) => `${op} ${operators[0] ?? ''}`;

function costs({ costliest, conversions }: Slowdown): string[] {
  const named = costliest.map(
    (cost) => `${nameOf(cost)} (${inMs(cost.quantized)}, in float ${inMs(cost.float)})`,
  );
  const between =
    conversions.count === 0
      ? []
      : [`conversions between float and integers (${conversions.count}, ${inMs(conversions.milliseconds)})`];
  const all = [...named, ...between];

  return all.length === 0 ? [] : [`Most expensive: ${all.join('; ')}.`];
}

/** What would help, as far as a measurement showed it. */
function help({ tried }: Slowdown): string {
  const without = 'Leaving operators in float does not help: the float model is faster here.';
  if (tried === null) return without;
  const { operators, latency } = tried;
  const helps = latency.ratio !== null && latency.ratio[0] > 1 / AS_FAST;
  if (!helps) return without;
  const shown = operators.slice(0, 3).join(', ');
  const more = operators.length > 3 ? ` and ${operators.length - 3} more` : '';

  return `With ${shown}${more} in float (quantization.ignored_scope.names) it took ${inMs(latency.quantizedMedian)} instead of ${inMs(latency.floatMedian)}.`;
}

const dataOf = ({ costliest, conversions, tried }: Slowdown) => ({
  costliest,
  conversions,
  tried: tried === null ? null : { operators: tried.operators, ratio: tried.latency.ratio },
});
