import type { ResolvedConfig } from '@quantsmith/schemas';
import { KEPT_BYTES, keepSamples } from '../data/keep.js';
import type { Calibration } from '../calibration.js';
import type { ModelProto } from '../onnx/onnx_pb.js';
import { encodeModel } from '../onnx/write.js';
import type { Placement } from '../placement/types.js';
import { buildModel, weightCodes, type Quantization } from '../quantization.js';
import { kernelsOf, optimizedModel } from '../runtime/optimized.js';
import { targetSaturates, type TargetIsa } from './isa.js';
import { layersAtRisk } from './models.js';
import { calibrationFeeds, observeSaturation, type Feeds } from './observe.js';

/** After this many looks at the samples, all layers that are still at risk get half range. */
const MOST_ROUNDS = 6;

/**
 * `overflow_fix: auto`, for which the model must be there at full range: half range for the layers that do saturate on
 * calibration samples, if the target's kernels saturate at all. The other fixes are a matter of placement. `correct`
 * corrects the biases: what it makes of the model is returned, and is what was looked at last.
 */
export async function fixOverflow<Corrected extends { readonly quantization: Quantization }>(
  quantization: Quantization,
  correct: (fixed: Quantization) => Promise<Corrected>,
  { source, samples, threads }: Pick<Calibration, 'source' | 'samples' | 'threads'>,
  config: ResolvedConfig,
): Promise<Corrected> {
  const { overflow_fix: fix, backend_params: backend } = config.quantization.advanced_parameters;
  const concerned = fix === 'auto' && (await targetSaturates(backend.target_isa as TargetIsa));
  if (!concerned) return correct(quantization);
  const { prepared } = quantization;
  const kept = keepSamples(source, KEPT_BYTES);
  const halved = new Set<string>();
  let fixed = quantization;
  // Correcting may be slow: at first the model is looked at without.
  let corrected: Corrected | null = null;
  for (let round = 0; ; round++) {
    // Most layers that saturate do so in the first sample: the others are looked at without them, which is quicker.
    const all = () => calibrationFeeds(kept, samples);
    const feeds = round === 0 ? firstOf(all()) : round < MOST_ROUNDS ? all() : null;
    const model = buildModel(corrected?.quantization ?? fixed, new Set());
    const found = await saturatingOperators(model, feeds, { threads, dir: prepared.dir });
    const more = [...found].filter((name) => !halved.has(name));
    // Halving a layer changes the inputs of those after it: only a look at the halved model tells that none is left.
    if (more.length === 0 && corrected !== null) return corrected;
    if (more.length > 0) {
      for (const name of more) halved.add(name);
      const placement = halveRange(quantization.placement, halved);
      fixed = { ...quantization, placement, weights: weightCodes(prepared, placement, config) };
    }
    const settled = more.length === 0 && round > 0;
    if (settled || corrected !== null || feeds === null) corrected = await correct(fixed);
    if (feeds === null) return corrected!;
  }
}

/**
 * Those whose sums leave 16 bits for at least one of the samples, and those whose arithmetic cannot be reproduced; without
 * samples all at risk.
 */
async function saturatingOperators(
  model: ModelProto,
  samples: AsyncIterable<Feeds> | null,
  options: { readonly threads: number; readonly dir: string },
): Promise<ReadonlySet<string>> {
  const bytes = encodeModel(model);
  const optimized = await optimizedModel(bytes, options);
  const kernels = kernelsOf(bytes, optimized);
  const atRisk = layersAtRisk(optimized).flatMap(({ node }) => kernels.get(node.output[0]!)?.covers ?? []);
  if (samples === null) return new Set(atRisk);
  const observed = await observeSaturation(optimized, kernels, samples, options);
  return new Set(atRisk.filter((name) => observed.get(name)?.fraction !== 0));
}

async function* firstOf(feeds: AsyncIterable<Feeds>): AsyncGenerator<Feeds> {
  for await (const first of feeds) {
    yield first;
    return;
  }
}

/** Half range for the weights that these operators read, and for no others; only 8-bit codes need it. */
function halveRange(placement: Placement, operators: ReadonlySet<string>): Placement {
  return {
    ...placement,
    weights: placement.weights.map((quantizer) => ({
      ...quantizer,
      halfRange: quantizer.config.numBits === 8 && quantizer.targets.some(({ node }) => operators.has(node)),
    })),
  };
}
