import type { Problem } from '@quantsmith/schemas';
import type { Latency } from './latency.js';

/** A ratio of float to int8 above this is no loss that anybody would notice. */
const AS_FAST = 0.97;

/** Says so where the quantized model is slower on this machine, beyond what the spread of the times explains. */
export function latencyProblems({ floatMedian, quantizedMedian, ratio, busy, runs }: Latency): Problem[] {
  if (ratio === null || ratio[1] >= AS_FAST) return [];
  const [low, high] = ratio.map((bound) => bound.toFixed(2));
  const doubt = busy ? ' The machine was busy.' : '';

  return [
    {
      code: 'slower-than-float',
      severity: 'warning',
      message: `The quantized model is slower than the float model here: ${quantizedMedian.toPrecision(3)} ms against ${floatMedian.toPrecision(3)} ms (float / int8 between ${low} and ${high} with 95 % confidence, ${runs} runs each).${doubt}`,
      configPath: ['model'],
      data: { floatMedian, quantizedMedian, ratio },
    },
  ];
}
