import { candidatesSeen, decibels, type QuantizationReport } from '@quantsmith/schemas';
import { initialDrop, points } from './numbers.js';

/** What quantizing a layer cost, as the last run measured it. */
export interface LayerCost {
  /** 0: the layer that matters most. */
  readonly rank: number;
  /** In words; empty where only the order is known. */
  readonly text: string;
}

/**
 * Layers by what they cost in accuracy: first those that restoration looked at, in its order, then the others, the noisiest
 * first. What a group of operators cost is what putting only it back to float gained.
 */
export function layerCosts({ metric, restoration, layers }: QuantizationReport): Map<string, LayerCost> {
  const costs = new Map<string, LayerCost>();
  const add = (name: string, text: string) => {
    if (!costs.has(name)) costs.set(name, { rank: costs.size, text });
  };

  const reverted = restoration?.reverted ?? [];
  for (const { operators, drop_alone: alone } of restoration === null ? [] : candidatesSeen(restoration)) {
    const initial = metric === null ? null : initialDrop(metric);
    const gained = initial === null || alone === null ? null : initial - alone;
    const together = operators.length > 1 ? ` (with ${operators.length - 1} more)` : '';
    const text =
      gained === null
        ? ''
        : `${gained < 0 ? 'gained' : 'cost'} ${points(metric!, Math.abs(gained))}${together}`;
    for (const name of operators) add(name, text);
  }

  for (const name of reverted) add(name, '');
  const noisy = layers.filter((layer) => layer.sqnr_db !== null);
  for (const { name } of noisy.sort((a, b) => a.sqnr_db! - b.sqnr_db!)) add(name, '');

  return costs;
}

/** What the last run says of a layer in a few words: its cost, where it went, its noise. */
export function layerSummary(report: QuantizationReport, name: string, cost: LayerCost | undefined): string {
  const layer = report.layers.find((candidate) => candidate.name === name);
  return [
    cost?.text ?? '',
    layer?.restored === true ? 'back in float' : '',
    layer?.sqnr_db === undefined || layer.sqnr_db === null ? '' : `SQNR ${decibels(layer.sqnr_db)}`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}
