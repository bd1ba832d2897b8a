import { type NodeProto, encodeModel, nameNodes, readModel } from '@quantsmith/model/onnx';
import type { OverflowSummary } from '@quantsmith/schemas';
import { kernelsOf, optimizedModel } from '../runtime/optimized.js';
import { integerLayers } from '../overflow/layers.js';
import { riskOf, type KernelRows } from '../overflow/pairs.js';
import { unaffectedLayers, weightedOperators, type Unaffected } from '../overflow/unaffected.js';

const HALF = 64;

/**
 * The layers of a quantized model whose kernels add pairs of products, by the runtime's own graph: so also of models
 * that another tool made, in QDQ or with integer operators. Throws as `readModel` does, or `runtime-load`.
 */
export async function overflowOfModel(path: string): Promise<OverflowSummary> {
  const loaded = await readModel(path);
  const { model } = nameNodes(loaded.model);
  const bytes = encodeModel(model);
  const optimized = await optimizedModel(bytes, { dir: loaded.dir });
  const kernels = kernelsOf(bytes, optimized);
  const covers = (node: NodeProto) => kernels.get(node.output[0]!)?.covers ?? [];
  const nameOf = (node: NodeProto) => covers(node)[0] ?? node.name;
  const affected = integerLayers(optimized);
  const spared = unaffectedLayers(optimized);
  const integer = new Set([...affected, ...spared].flatMap(({ node }) => covers(node)));
  const float = weightedOperators(model).filter(({ name }) => !integer.has(name));
  const layers = [
    ...affected.map(({ node, rows }) => affectedLayer(nameOf(node), node.opType, rows)),
    ...spared.map(({ node, why }) => unaffectedLayer(nameOf(node), node.opType, why)),
    ...float.map(({ name, opType }) => unaffectedLayer(name, opType, 'float')),
  ];

  return { layers, settings: [], metric: null };
}

type Layer = OverflowSummary['layers'][number];

function affectedLayer(name: string, op: string, rows: KernelRows): Layer {
  const { pairsAtRisk, outputs, outputsAtRisk, worstCase } = riskOf(rows);
  return {
    ...{ name, op, half_range: withinHalf(rows), pairs_at_risk: pairsAtRisk },
    ...{ outputs, outputs_at_risk: outputsAtRisk, worst_case_exceeds: worstCase },
    saturating_fraction_calibration: pairsAtRisk === 0 ? 0 : null,
  };
}

function unaffectedLayer(name: string, op: string, unaffected: Unaffected): Layer {
  return {
    ...{ name, op, half_range: false, pairs_at_risk: 0, unaffected },
    ...{ saturating_fraction_calibration: 0, worst_case_exceeds: null },
  };
}

function withinHalf(rows: KernelRows): boolean {
  const row = new Int16Array(rows.length);
  for (let output = 0; output < rows.outputs; output++) {
    rows.read(output, row);
    if (row.some((weight) => Math.abs(weight) > HALF)) return false;
  }

  return true;
}
