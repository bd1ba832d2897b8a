import { firstIndices } from '../data/source.js';
import { evaluate, type Evaluation } from '../metrics/evaluate.js';
import type { ModelProto } from '../onnx/onnx_pb.js';
import { encodeModel } from '../onnx/write.js';
import { createSession } from '../runtime/session.js';
import type { Baseline, Validation } from '../validation.js';
import { layersAtRisk, saturatingModel } from './models.js';
import { isReproducible } from './saturate.js';

/**
 * The metric on a CPU that saturates, on all validation samples. `exact` is the evaluation of the model with 32-bit sums,
 * which is the answer where no layer is at risk. Null when a layer's arithmetic cannot be reproduced.
 */
export async function predictSaturated(
  optimized: ModelProto,
  validation: Validation,
  measured: { readonly baseline: Baseline; readonly exact: Evaluation },
  options: { readonly threads: number; readonly dir: string; readonly onSample: (done: number) => void },
): Promise<Evaluation | null> {
  const layers = layersAtRisk(optimized);
  if (layers.length === 0) return measured.exact;
  if (!layers.every(isReproducible)) return null;
  const { threads, dir, onSample } = options;
  const model = encodeModel(saturatingModel(optimized));
  const session = await createSession(model, { threads, dir, optimization: 'disabled' });
  try {
    const { reference } = measured.baseline;
    return await evaluate(
      session,
      validation.source,
      firstIndices(validation.source.count),
      validation.metric,
      {
        onSample,
        ...(reference === null ? {} : { reference }),
      },
    );
  } finally {
    await session.release();
  }
}
