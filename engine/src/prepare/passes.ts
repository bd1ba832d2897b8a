import { indexGraph, type Graph, type TensorType } from '@quantsmith/model/graph';
import type { ModelProto } from '@quantsmith/model/onnx';
import { QuantsmithError, type Problem } from '@quantsmith/schemas';
import { apartPads } from './apartPads.js';
import { foldBatchNorms } from './foldBatchNorm.js';
import { foldScales } from './foldScales.js';
import { fuseGemms } from './fuseGemm.js';
import { normalizeLinear } from './normalizeLinear.js';
import { poolMeans } from './poolMeans.js';
import { inferTypes } from './types.js';
import { wholePads } from './wholePads.js';

/** A rewriting that keeps the model's outputs; it returns the same model where it finds nothing to do. */
export interface Pass {
  /** What it does, for messages. */
  readonly name: string;
  readonly apply: (model: ModelProto, graph: Graph, dir: string) => ModelProto;
}

/** In this order: a bias first, so that the BatchNorm behind it is folded too; and again for an addition behind a BatchNorm. */
export const PASSES: readonly Pass[] = [
  { name: 'folding numbers into matrix products', apply: foldScales },
  { name: 'normalizing matrix products', apply: normalizeLinear },
  { name: 'fusing additions', apply: fuseGemms },
  { name: 'folding BatchNormalizations', apply: foldBatchNorms },
  { name: 'fusing additions after BatchNormalizations', apply: fuseGemms },
  { name: 'pooling means of images', apply: poolMeans },
  { name: 'naming the pads of all axes', apply: wholePads },
  { name: 'keeping Pads apart from pooling', apply: apartPads },
];

export interface Rewritten {
  readonly model: ModelProto;
  readonly types: ReadonlyMap<string, TensorType>;
  readonly problems: readonly Problem[];
}

/**
 * Applies all passes. The runtime checks their result; should it refuse it, that is a fault of ours: the passes are then
 * taken one by one and those with the fault are left out, with a warning that names them.
 */
export async function rewrite(
  model: ModelProto,
  types: ReadonlyMap<string, TensorType>,
  dir: string,
  passes: readonly Pass[] = PASSES,
): Promise<Rewritten> {
  const all = passes.reduce((now, { apply }) => apply(now, indexGraph(now, types), dir), model);
  if (all === model) return { model, types, problems: [] };
  try {
    return { model: all, types: await inferTypes(all, dir), problems: [] };
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    return rewriteStepwise({ model, types, problems: [] }, dir, passes);
  }
}

async function rewriteStepwise(start: Rewritten, dir: string, passes: readonly Pass[]): Promise<Rewritten> {
  let current = start;
  for (const { name, apply } of passes) {
    try {
      const model = apply(current.model, indexGraph(current.model, current.types), dir);
      if (model !== current.model) current = { ...current, model, types: await inferTypes(model, dir) };
    } catch (error) {
      if (!(error instanceof QuantsmithError)) throw error;
      current = { ...current, problems: [...current.problems, faultOf(name, error)] };
    }
  }

  return current;
}

function faultOf(pass: string, error: QuantsmithError): Problem {
  const stated = error.problem.data?.['reason'];
  const reason = typeof stated === 'string' ? stated : error.message;
  return {
    code: 'internal-rewrite',
    severity: 'warning',
    message: `Bug in Quantsmith, not in your model: ${pass} makes a graph that ONNX Runtime refuses (${reason}). The run continues without it; please report it.`,
    data: { pass, reason },
  };
}
