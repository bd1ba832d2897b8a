import { smallest, type QuantizationChange } from '@quantsmith/schemas';
import type { ModelProto } from '@quantsmith/model/onnx';
import { revertGroups } from '../placement/revert.js';
import { buildModel, sessionOptions, type Quantization } from '../quantize/quantization.js';
import type { Feeds, Results } from '../runtime/batch.js';
import { floatOutputs, noiseOf, tensorsOf } from './tensors.js';
import type { Collapse } from './collapse.js';

/** Something that was tried against a loss, and what the worst output came to. */
export interface TriedCure {
  /** As a sentence says it behind "With ". */
  readonly text: string;
  readonly outputDb: number;
}

interface Cure {
  readonly text: string;
  readonly quantization: () => Promise<Quantization>;
  readonly reverted: ReadonlySet<string>;
}

export interface CureInput {
  readonly quantization: Quantization;
  readonly final: ModelProto;
  readonly reverted: ReadonlySet<string>;
  readonly samples: readonly Feeds[];
  readonly threads: number;
  /** Quantizes again with other settings. */
  readonly remake: (change: QuantizationChange) => Promise<Quantization>;
}

const WEIGHTS_8: QuantizationChange = {
  advanced_parameters: { weights_quantization_params: { num_bits: 8, per_channel: true } },
};
const ACTIVATIONS_8: QuantizationChange = {
  advanced_parameters: { activations_quantization_params: { num_bits: 8 } },
};
const WHOLE_RANGE: QuantizationChange = {
  advanced_parameters: { activations_range_estimator_params: 'minmax' },
};

/** Tries what may help against a collapse; the result: the worst output now, and what was tried, the best first. */
export async function tryCures(
  collapse: Collapse,
  input: CureInput,
): Promise<{ readonly outputDb: number; readonly tried: readonly TriedCure[] }> {
  const { quantization, samples, threads } = input;
  const { model, dir, graph } = quantization.prepared;
  const expected = await tensorsOf(model, floatOutputs(graph), samples, { threads, dir });
  const worstOutput = async (candidate: Quantization, built: ModelProto) =>
    smallest((await outputLevels(candidate, built, { samples, threads, expected })).values());
  const tried: TriedCure[] = [];
  for (const { text, quantization: make, reverted } of curesOf(collapse, input)) {
    const candidate = await make();
    tried.push({ text, outputDb: await worstOutput(candidate, buildModel(candidate, reverted)) });
  }

  return {
    outputDb: await worstOutput(quantization, input.final),
    tried: tried.sort((a, b) => b.outputDb - a.outputDb),
  };
}

interface Measured extends Pick<CureInput, 'samples' | 'threads'> {
  /** What the float model gives for each of the samples. */
  readonly expected: readonly Results[];
}

/** SQNR in dB of each output of a quantized model against the float model. */
export async function outputLevels(
  quantization: Quantization,
  built: ModelProto,
  { samples, threads, expected }: Measured,
): Promise<ReadonlyMap<string, number>> {
  const names = floatOutputs(quantization.prepared.graph);
  const actual = await tensorsOf(built, names, samples, { threads, ...sessionOptions(quantization) });
  return noiseOf(names, expected, actual);
}

function curesOf({ layer, cause }: Collapse, { quantization, reverted, remake }: CureInput): Cure[] {
  const { prepared, placement, activationConfig } = quantization;
  const group = revertGroups(prepared.graph, placement).find((names) => names.includes(layer.name));
  const withChange = (text: string, change: QuantizationChange): Cure => ({
    ...{ text, reverted },
    quantization: () => remake(change),
  });

  return [
    ...(layer.weights !== null && (layer.weights.bits < 8 || !layer.weights.perChannel)
      ? [withChange('weights of 8 bits per channel', WEIGHTS_8)]
      : []),
    ...(activationConfig.numBits < 8 ? [withChange('activations of 8 bits', ACTIVATIONS_8)] : []),
    ...(cause.kind === 'clipped' || cause.kind === 'carried'
      ? [withChange('ranges over all values (minmax)', WHOLE_RANGE)]
      : []),
    ...(group === undefined || group.some((name) => reverted.has(name))
      ? []
      : [
          {
            text: `${group.length === 1 ? 'this operator' : 'its operators'} in float`,
            quantization: () => Promise.resolve(quantization),
            reverted: new Set([...reverted, ...group]),
          },
        ]),
  ];
}
