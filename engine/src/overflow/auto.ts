import type { ResolvedConfig } from '@quantsmith/schemas';
import type { SampleSource } from '../data/source.js';
import type { ModelProto } from '../onnx/onnx_pb.js';
import { encodeModel } from '../onnx/write.js';
import type { Placement } from '../placement/types.js';
import { buildModel, weightCodes, type Quantization } from '../quantization.js';
import { kernelsOf, optimizedModel } from '../runtime/optimized.js';
import { targetSaturates, type TargetIsa } from './isa.js';
import { layersAtRisk } from './models.js';
import { calibrationFeeds, observeSaturation, type Feeds } from './observe.js';

/**
 * `overflow_fix: auto`, for which the model must be there at full range: half range for the layers that do saturate on
 * calibration samples, if the target's kernels saturate at all. The other fixes are a matter of placement.
 */
export async function fixOverflow(
  quantization: Quantization,
  source: SampleSource,
  samples: number,
  config: ResolvedConfig,
  threads: number,
): Promise<Quantization> {
  const { overflow_fix: fix, backend_params: backend } = config.quantization.advanced_parameters;
  if (fix !== 'auto' || !(await targetSaturates(backend.target_isa as TargetIsa))) return quantization;
  const { prepared } = quantization;
  const operators = await saturatingOperators(
    buildModel(quantization, new Set()),
    calibrationFeeds(source, samples),
    { threads, dir: prepared.dir },
  );
  const placement = halveRange(quantization.placement, operators);
  return { ...quantization, placement, weights: weightCodes(prepared, placement, config) };
}

/** Those whose sums leave 16 bits for at least one of the samples, and those whose arithmetic cannot be reproduced. */
async function saturatingOperators(
  model: ModelProto,
  samples: AsyncIterable<Feeds>,
  options: { readonly threads: number; readonly dir: string },
): Promise<ReadonlySet<string>> {
  const bytes = encodeModel(model);
  const optimized = await optimizedModel(bytes, options);
  const kernels = kernelsOf(bytes, optimized);
  const observed = await observeSaturation(optimized, kernels, samples, options);
  const atRisk = layersAtRisk(optimized).flatMap(({ node }) => kernels.get(node.output[0]!)?.covers ?? []);
  return new Set(atRisk.filter((name) => observed.get(name)?.fraction !== 0));
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
