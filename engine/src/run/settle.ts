import { withChange, type QuantizationChange, type QuantizationConfig } from '@quantsmith/schemas';
import { chooseSettings, type Choice } from '../choose/choose.js';
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
  const { float, statistics, workers, clock } = inputs;
  const withSamples = (samples: number) => ({
    ...inputs,
    statistics: { ...statistics, samples, onSample: () => undefined },
  });
  const { change, choices } = await chooseSettings({
    config,
    float,
    calibration: statistics,
    workers,
    stage: clock.stage,
    rewrite: inputs.rewrite,
    make: (planned, samples) => makeQuantization(withSamples(samples), planned, () => undefined),
  });

  const pinned: QuantizationChange = choices.length === 0 ? {} : { defaults: 'nncf', ...change };

  return { config: withChange(config, change), choices, pinned };
}
