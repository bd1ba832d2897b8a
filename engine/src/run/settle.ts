import type { Graph } from '@quantsmith/model/graph';
import { withChange, type QuantizationChange, type QuantizationConfig } from '@quantsmith/schemas';
import { chooseSettings, type Choice } from '../choose/choose.js';
import { originalName } from '../placement/overrides.js';
import type { Quantization } from '../quantize/quantization.js';
import { makeQuantization, type QuantizationInputs } from './make.js';

/** A config that leaves nothing open to measurement. */
export interface SettledConfig {
  readonly config: QuantizationConfig;
  /** What was measured for that. */
  readonly choices: readonly Choice[];
  /** What a config states to get the same without measuring. */
  readonly pinned: QuantizationChange;
}

/** The config with what it leaves open chosen by measurement. */
export async function settleConfig(
  config: QuantizationConfig,
  inputs: QuantizationInputs,
): Promise<SettledConfig> {
  const { float, statistics, workers, clock, cpu } = inputs;
  const withSamples = (samples: number) => ({
    ...inputs,
    statistics: { ...statistics, samples, onSample: () => undefined },
  });
  const { change, choices } = await chooseSettings({
    config,
    float,
    calibration: statistics,
    workers,
    isa: cpu.isa,
    stage: clock.stage,
    rewrite: inputs.rewrite,
    bodies: () => bodyGraphs(inputs),
    make: (planned, samples) => makeQuantization(withSamples(samples), planned, () => undefined),
  });

  const pinned: QuantizationChange = choices.length === 0 ? {} : { defaults: 'nncf', ...change };

  return { config: withChange(config, change), choices, pinned };
}

/** The graphs of the bodies that are quantized, and of those inside of them. */
async function bodyGraphs(inputs: QuantizationInputs): Promise<Graph[]> {
  const { bodies } = await inputs.bodies();
  const graphs = bodies.map(async ({ float, inputs: inner }) => [float.graph, ...(await bodyGraphs(inner))]);
  return (await Promise.all(graphs)).flat();
}

/**
 * What a config states to get the same model everywhere: the choices, and what stayed in float for speed on this class of CPU.
 */
export function pinnedSettings(
  { config, pinned }: SettledConfig,
  { prepared, placement: { slow = new Set() } }: Quantization,
): QuantizationChange {
  const stated = config.quantization ?? {};
  if (slow.size === 0 || (stated.optimize_for ?? null) !== null) return pinned;
  const names = [...new Set([...slow].flatMap((name) => originalName(prepared, name) ?? []))];
  return { defaults: 'nncf', ...pinned, overrides: [...(stated.overrides ?? []), { names, float: true }] };
}
