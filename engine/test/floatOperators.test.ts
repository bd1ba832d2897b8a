import type { Graph } from '@quantsmith/model/graph';
import { encodeModel, type NodeProto } from '@quantsmith/model/onnx';
import { has, traitOf } from '@quantsmith/model/operators';
import { type QuantizationConfig, QuantsmithError } from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { buildModel, reversible, type Quantization } from '../src/quantize/quantization.js';
import { inFloat } from '../src/quantize/refused.js';
import { fusedKernels } from '../src/runtime/optimized.js';
import { unfitOperators } from '../src/verify/verify.js';
import { quantizationOf, samplesOf } from './checkGraph.js';
import { randomOf } from './randomGraphs.js';
import { sharingGraph } from './sharingGraphs.js';

const COUNT = 40;
/** Seeds of graphs in which float operators were once computed in integers. */
const ONCE_WRONG = [61, 62, 78, 83, 135, 153, 319, 332, 474, 735];
/** Products of few pairs may still saturate where a CPU adds them in 16 bits: that is another story. */
const SETTINGS = { overflow_fix: 'enable', activations_range_estimator_params: 'minmax' } as const;

const configOf = (float: readonly string[]): QuantizationConfig => ({
  model: 'random.onnx',
  data: { calibration: { arrays: 'random.npz' } },
  quantization: {
    ...{ defaults: 'nncf', optimize_for: 'integer', advanced_parameters: SETTINGS },
    ...(float.length === 0 ? {} : { overrides: [{ names: [...float], float: true }] }),
  },
});

/** The integer kernels in which the optimized runtime computes operators that are float. */
async function integerKernelsOf(quantization: Quantization, float: ReadonlySet<string>): Promise<string[]> {
  const { graph } = quantization.prepared;
  const mustBeFloat = (name: string) => {
    const node = graph.node(name);
    return node !== undefined && float.has(name) && computes(graph, node) && !addsBias(graph, node);
  };

  const kernels = await fusedKernels(encodeModel(buildModel(quantization, new Set())));
  const wrong = [...new Set(kernels.values())].filter(
    ({ kind, covers }) => kind === 'integer' && covers.some(mustBeFloat),
  );

  return wrong.map(({ op, covers }) => `${op} computes ${covers.join(', ')}`);
}

/** Not what moves codes, nor a Relu, which the codes of the operator before it end at. */
const computes = (graph: Graph, node: NodeProto) =>
  !['agnostic', 'concat'].includes(traitOf(node, graph)) && !has(node, 'absorbed');

/** The bias of a product is added to its sums, before anything is rounded. */
const addsBias = (graph: Graph, { opType, input }: NodeProto) =>
  opType === 'Add' && graph.isConstant(input[1] ?? '') && graph.producer(input[0] ?? '')?.opType === 'MatMul';

/** The quantization of a random graph with operators in float that the config names; null: nothing is left to quantize. */
async function quantized(seed: number, float: readonly string[]) {
  const graph = sharingGraph(seed);
  try {
    return await quantizationOf(graph.model, samplesOf(graph, seed, 8), configOf(float));
  } catch (error) {
    if (error instanceof QuantsmithError && error.problem.code === 'nothing-to-quantize') return null;
    throw error;
  }
}

/** The ways in which operators are put to float: unfit (and restored), refused by the runtime, and named in the config. */
async function waysToFloat(seed: number) {
  const { below, chance } = randomOf(seed ^ 0x2545f491);
  const whole = await quantized(seed, []);
  if (whole === null) return [];
  const { source, quantization } = whole;
  const { graph, originals } = quantization.prepared;
  const groups = reversible(quantization);
  const some = new Set([...(groups[below(groups.length)] ?? []), ...groups.filter(() => chance(0.3)).flat()]);
  const names = originals.map(({ name }) => name).filter((name) => graph.node(name) !== undefined);
  const named = names.filter(() => chance(0.3));
  const stated = await quantized(seed, named);

  return [
    { source, way: 'unfit', quantization: { ...quantization, unfit: some }, float: some },
    { source, way: 'refused', quantization: inFloat(quantization, some), float: some },
    ...(stated === null ? [] : [{ ...stated, way: 'named', float: new Set(named) }]),
  ];
}

describe('operators in float', () => {
  it('are computed in float, and what is beside them as intended, whatever they share', async () => {
    for (const seed of [...ONCE_WRONG, ...Array.from({ length: COUNT }, (_, index) => index)]) {
      for (const { source, way, quantization, float } of await waysToFloat(seed)) {
        const model = buildModel(quantization, new Set());
        const samples = { source, indices: [0, 1, 2, 3], inSample: true };
        const integer = await integerKernelsOf(quantization, float);
        // null: the optimizer makes an invalid graph of what is cut to be compared.
        const unfit = (await unfitOperators(quantization, model, samples, 1)) ?? [];
        const wrong = unfit.filter(({ largest }) => largest > 1);
        const of = { seed, way, float: [...float] };
        expect({ ...of, integer, wrong }).toEqual({ ...of, integer: [], wrong: [] });
      }
    }
  });
});
