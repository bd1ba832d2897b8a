import { append, largest, type Problem, type QuantizationChange } from '@quantsmith/schemas';
import { resolveIgnoredScope } from '@quantsmith/model/scope';
import type { PreparedModel } from '../prepare/prepare.js';
import type { LayerSettings, QuantizerConfig } from './types.js';

/** Settings of single operators, as a config writes them. */
export type Override = NonNullable<QuantizationChange['overrides']>[number];

export interface ResolvedOverrides {
  /** What holds for prepared nodes, by their names. */
  readonly layers: ReadonlyMap<string, LayerSettings>;
  /** The prepared nodes that stay in float. */
  readonly float: readonly string[];
  readonly problems: readonly Problem[];
}

/** Overrides on the prepared nodes: later entries win, setting by setting. Entries that match nothing are errors. */
export function resolveOverrides(
  { graph, originals }: PreparedModel,
  overrides: readonly Override[],
): ResolvedOverrides {
  const layers = new Map<string, LayerSettings>();
  const float = new Map<string, boolean>();
  const problems: Problem[] = [];
  for (const [index, override] of overrides.entries()) {
    const { names = [], patterns = [], types = [] } = override;
    const rules = { names, patterns, types, subgraphs: [], validate: true };
    const scope = resolveIgnoredScope(graph, originals, rules, ['quantization', 'overrides', index]);
    append(problems, scope.problems);
    for (const name of scope.ignored) {
      if (override.float !== undefined) float.set(name, override.float);
      layers.set(name, { ...layers.get(name), ...settingsOf(override) });
    }
  }

  return { layers, float: [...float].flatMap(([name, stays]) => (stays ? [name] : [])), problems };
}

/** The name in the user's model of the node that a prepared one took the place of; undefined: it has none. */
export function originalName({ originals }: PreparedModel, name: string): string | undefined {
  const same = originals.find((node) => node.name === name);
  return (same ?? originals.find((node) => node.op !== 'Constant' && node.prepared.includes(name)))?.name;
}

/** Only what the entry states. */
function settingsOf({ num_bits, mode, per_channel, half_range }: Override): LayerSettings {
  return {
    ...(num_bits === undefined ? {} : { numBits: num_bits }),
    ...(mode === undefined ? {} : { mode }),
    ...(per_channel === undefined ? {} : { perChannel: per_channel }),
    ...(half_range === undefined ? {} : { halfRange: half_range }),
  };
}

/** A quantizer's config where readers state other bits or another mode: the most bits, asymmetric if one asks for it. */
export function overriddenConfig(
  general: QuantizerConfig,
  stated: readonly LayerSettings[],
): QuantizerConfig {
  const bits = stated.flatMap(({ numBits }) => numBits ?? []);
  const modes = stated.flatMap(({ mode }) => mode ?? []);
  const mode = modes.includes('asymmetric') ? 'asymmetric' : (modes[0] ?? general.mode);
  return { ...general, numBits: bits.length === 0 ? general.numBits : largest(bits), mode };
}
