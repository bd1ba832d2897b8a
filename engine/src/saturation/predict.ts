import { firstIndices } from '../data/source.js';
import { evaluate, type Evaluation } from '../metrics/evaluate.js';
import type { ModelProto } from '@quantsmith/model/onnx';
import type { Workers } from '../runtime/workers.js';
import type { Baseline, Validation } from '../validation/validation.js';
import { isTooLarge, layersAtRisk, saturatingModel } from '../overflow/models.js';
import { isReproducible } from '../overflow/saturate.js';

/** The first run of a session is slower than the others, but not so many times. */
const TRIED_SAMPLES = 3;
const HOPELESS = 3;

/**
 * The metric on a CPU that saturates, on all validation samples. `exact` is the evaluation of the model with 32-bit sums,
 * which is the answer where no layer is at risk. Null when a layer's arithmetic cannot be reproduced or the model is too large for it, and when the first
 * samples tell that all of them would take more than `budgetMs` milliseconds: the emulation is many times slower than the
 * model.
 */
export async function predictSaturated(
  optimized: ModelProto,
  validation: Validation,
  measured: { readonly baseline: Baseline; readonly exact: Evaluation },
  options: {
    readonly workers: Workers;
    readonly dir: string;
    readonly onSample: (done: number) => void;
    readonly budgetMs?: number;
  },
): Promise<Evaluation | null> {
  const layers = layersAtRisk(optimized);
  if (layers.length === 0) return measured.exact;
  if (isTooLarge(optimized) || !layers.every(isReproducible)) return null;
  const { workers, dir, onSample, budgetMs = Infinity } = options;
  const runner = await workers.open(saturatingModel(optimized), { dir, optimization: 'disabled' });
  try {
    const { reference } = measured.baseline;
    const { count } = validation.source;
    const measure = (samples: number, onDone: (done: number) => void = () => undefined) =>
      evaluate(runner, validation.source, firstIndices(samples), validation.metric, {
        task: measured.baseline.task,
        onSample: onDone,
        ...(reference === null ? {} : { reference }),
      });

    const millisecondsFor = async (samples: number) => {
      const begun = performance.now();
      await measure(samples);
      return ((performance.now() - begun) / samples) * count;
    };

    if (budgetMs < Infinity) {
      if ((await millisecondsFor(1)) > HOPELESS * budgetMs) return null;
      if ((await millisecondsFor(Math.min(TRIED_SAMPLES, count))) > budgetMs) return null;
    }

    return await measure(count, onSample);
  } finally {
    await runner.release();
  }
}
