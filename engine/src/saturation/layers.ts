import type { QuantizationReport } from '@quantsmith/schemas';
import { pairRisk } from '../overflow/pairs.js';
import { unaffectedBy } from '../overflow/unaffected.js';
import type { BodyKernels } from '../quantize/bodyKernels.js';
import type { Quantization } from '../quantize/quantization.js';
import type { RuntimeKernel } from '../runtime/optimized.js';
import type { Saturation } from './observe.js';

/**
 * The layers with 8-bit weights, without those that went back to float; behind them those in bodies of If, Loop and Scan, of whose
 * sums only the bounds are known.
 */
export function overflowLayers(
  quantization: Quantization,
  reverted: ReadonlySet<string>,
  kernels: ReadonlyMap<string, RuntimeKernel>,
  saturation: ReadonlyMap<string, Saturation>,
  bodyKernels: BodyKernels,
): QuantizationReport['overflow']['layers'] {
  const integer = integerOperators(kernels);
  const { graph } = quantization.prepared;
  const inside = (quantization.bodies ?? [])
    .filter(({ owner }) => !reverted.has(owner))
    .flatMap((body) =>
      overflowLayers(
        body.quantization,
        new Set(),
        bodyKernels.get(body.quantization) ?? new Map(),
        new Map(),
        bodyKernels,
      ),
    );
  const layers = quantization.placement.weights.flatMap((quantizer) => {
    const weights = quantization.weights.get(quantizer.id);
    const dims = graph.initializer(quantizer.tensor)?.dims.map(Number) ?? [];
    return quantizer.targets.flatMap(({ node: name, input }) => {
      const node = graph.node(name);
      if (node === undefined || weights === undefined || reverted.has(name)) return [];
      const unsigned = weights.parameters.storage === 'uint8' || quantizer.unsigned === true;
      const why = integer.has(name) ? unaffectedBy(node, dims, unsigned) : 'float';
      const adds = why === null && !unsigned && weights.parameters.storage === 'int8' && input === 1;
      const risk = adds ? pairRisk(node, weights.codes, dims) : null;
      const seen = saturation.get(name);

      return [
        {
          name,
          op: node.opType,
          half_range: quantizer.halfRange,
          pairs_at_risk: risk?.pairsAtRisk ?? 0,
          ...(risk === null ? {} : { outputs: risk.outputs, outputs_at_risk: risk.outputsAtRisk }),
          ...(why === null ? {} : { unaffected: why }),
          saturating_fraction_calibration: seen?.fraction ?? ((risk?.pairsAtRisk ?? 0) === 0 ? 0 : null),
          worst_case_exceeds: risk?.worstCase ?? null,
          saturation_sqnr_db: seen?.sqnrDb ?? null,
        },
      ];
    });
  });

  return [...layers, ...inside];
}

/** The operators that integer kernels compute; what the runtime computes in float cannot saturate. */
function integerOperators(kernels: ReadonlyMap<string, RuntimeKernel>): ReadonlySet<string> {
  const integer = [...kernels.values()].filter(({ kind }) => kind === 'integer');
  return new Set(integer.flatMap(({ covers }) => covers));
}
