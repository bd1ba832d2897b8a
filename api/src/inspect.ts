import { inspectModel } from '@quantsmith/model/onnx';
import type { ModelSummary } from '@quantsmith/schemas';

/**
 * The structure of an ONNX model, read without its weights: inputs, outputs, nodes, operator sets. Rejects with a
 * `QuantsmithError` where the file cannot be read or is no model.
 */
export function inspect(model: string): Promise<ModelSummary> {
  return inspectModel(model);
}
