import { nameNodes } from '../onnx/names.js';
import { readModel } from '../onnx/read.js';
import { encodeModel } from '../onnx/write.js';
import type { OverflowSummary } from '../protocol.js';
import { kernelsOf, optimizedModel } from '../runtime/optimized.js';
import { integerLayers } from './layers.js';
import { riskOf, type KernelRows } from './pairs.js';

const HALF = 64;

/**
 * The layers of a quantized model whose kernels add pairs of products, by the runtime's own graph: so also of models
 * that another tool made, in QDQ or with integer operators. Throws as `readModel` does, or `runtime-load`.
 */
export async function overflowOfModel(path: string): Promise<OverflowSummary> {
  const { model, dir } = await readModel(path);
  const bytes = encodeModel(nameNodes(model).model);
  const optimized = await optimizedModel(bytes, { dir });
  const kernels = kernelsOf(bytes, optimized);
  const layers = integerLayers(optimized).map(({ node, rows }) => {
    const risk = riskOf(rows);
    return {
      name: kernels.get(node.output[0]!)?.covers[0] ?? node.name,
      op: node.opType,
      half_range: withinHalf(rows),
      pairs_at_risk: risk.pairsAtRisk,
      saturating_fraction_calibration: risk.pairsAtRisk === 0 ? 0 : null,
      worst_case_exceeds: risk.worstCase,
    };
  });
  return { layers, settings: [], metric: null };
}

function withinHalf(rows: KernelRows): boolean {
  const row = new Int16Array(rows.length);
  for (let output = 0; output < rows.outputs; output++) {
    rows.read(output, row);
    if (row.some((weight) => Math.abs(weight) > HALF)) return false;
  }
  return true;
}
