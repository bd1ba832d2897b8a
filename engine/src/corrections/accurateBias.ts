import type { Sample } from '../data/types.js';
import { opset, readFloats } from '@quantsmith/model/onnx';
import { writeQdq } from '../qdq/write.js';
import type { BiasUpdate } from '../qdq/types.js';
import type { Quantization } from '../quantize/quantization.js';
import type { Workers } from '../runtime/workers.js';
import { augmentWithReductions, type Reduction } from '../statistics/augment.js';
import { biasCandidates, type BiasCandidate } from './candidates.js';
import type { CorrectionRecord } from './fastBias.js';

/** Multiple of the bias beyond which an accurate correction is refused. */
export const ACCURATE_THRESHOLD = 1000;
/** Share of the calibration samples that the correction runs on. */
const SAMPLE_SHARE = 0.2;

/** How many of the calibration samples the accurate correction uses: a fifth, at least one. */
export function accurateSamples(calibrationSamples: number): number {
  return Math.max(1, Math.floor(SAMPLE_SHARE * calibrationSamples));
}

export interface AccuratePlan {
  readonly kind: 'accurate';
  /** Multiple of the bias beyond which a correction is refused. */
  readonly threshold: number;
  /** Also layers without a bias. */
  readonly allNodes: boolean;
}

export interface AccurateOptions extends Omit<AccuratePlan, 'kind'> {
  readonly workers: Workers;
  readonly onLayer?: (done: number, total: number) => void;
}

/**
 * Accurate bias correction: layer after layer in the order of the graph, b' = b + (ȳ − ȳq), where ȳ is the channel mean
 * of the layer's output in the float model and ȳq that in a model whose weights are all quantized, whose activations
 * are not, and whose earlier layers have their corrected biases already. Depthwise and transposed convolutions take
 * part. Both means are over the same real samples. Source: NNCF's BiasCorrection; here each step runs the model up to
 * the layer as a whole, so that branches and residual connections need no cutting.
 */
export async function accurateBiasCorrection(
  quantization: Quantization,
  samples: readonly Sample[],
  options: AccurateOptions,
): Promise<{ biases: BiasUpdate[]; records: CorrectionRecord[] }> {
  const { graph, dir } = quantization.prepared;
  const candidates = biasCandidates(graph, quantization.placement, {
    allNodes: options.allNodes,
    grouped: true,
    transposed: true,
  });

  const expected = await outputMeans(quantization, null, candidates, samples, options.workers);
  const biases: BiasUpdate[] = [];
  const records: CorrectionRecord[] = [];
  for (const [index, candidate] of candidates.entries()) {
    const [actual] = await outputMeans(quantization, biases, [candidate], samples, options.workers);
    const shift = expected[index]!.map((mean, c) => mean - actual![c]!);
    const bias = candidate.bias === null ? null : readFloats(graph.initializer(candidate.bias)!, dir);
    if (bias !== null && bias.length !== shift.length) continue;
    const maxShift = shift.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    // A zero bias has nothing to compare its shift with.
    const magnitude = shift.reduce((ratio, value, c) => {
      const magnitude = Math.abs(bias?.[c] ?? 0);
      return magnitude === 0 ? ratio : Math.max(ratio, Math.abs(value) / magnitude);
    }, 0);

    const applied = Number.isFinite(maxShift) && magnitude < options.threshold;
    records.push({ node: candidate.node.name, applied, maxShift });
    if (applied) {
      const values = Float32Array.from(shift, (value, c) => (bias?.[c] ?? 0) + value);
      biases.push({ port: candidate.biasPort, values });
    }

    options.onLayer?.(index + 1, candidates.length);
  }

  return { biases, records };
}

/**
 * Channel means of the candidates' outputs over the samples: in the float model (`biases` null), or in the model with
 * quantized weights and these biases. Only what the outputs depend on is computed.
 */
async function outputMeans(
  quantization: Quantization,
  biases: readonly BiasUpdate[] | null,
  candidates: readonly BiasCandidate[],
  samples: readonly Sample[],
  workers: Workers,
): Promise<Float64Array[]> {
  const { prepared, placement, activations, weights } = quantization;
  const model =
    biases === null
      ? prepared.model
      : writeQdq({
          model: prepared.model,
          graph: prepared.graph,
          dir: prepared.dir,
          placement: { activations: [], weights: placement.weights },
          activations,
          weights,
          biases,
          runtime: 'openvino',
        });

  const reductions = candidates.map(({ output }): Reduction => ({ ...output, kind: 'mean' }));
  const augmented = augmentWithReductions(model, prepared.graph, reductions, [], opset(model));
  const runner = await workers.open(augmented.model, { dir: prepared.dir });
  const sums: Float64Array[] = [];
  const counts = reductions.map(() => 0);
  try {
    for await (const [, results] of runner.run(samples)) {
      reductions.forEach((reduction, index) => {
        const means = augmented.read(results, reduction);
        const sum = (sums[index] ??= new Float64Array(means.length));
        // A tensor without elements has no mean.
        if (means.every(Number.isNaN)) return;
        counts[index] = counts[index]! + 1;
        means.forEach((mean, c) => (sum[c] = sum[c]! + mean));
      });
    }
  } finally {
    await runner.release();
  }

  return sums.map((sum, index) => sum.map((total) => total / counts[index]!));
}
