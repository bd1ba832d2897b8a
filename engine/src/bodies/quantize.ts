import { append, QuantsmithError, type Problem } from '@quantsmith/schemas';
import { targetSaturates } from '../overflow/isa.js';
import type { Plan } from '../plan/plan.js';
import type { Quantization, QuantizedBody } from '../quantize/quantization.js';
import { leaveRefusedInFloat } from '../quantize/refused.js';
import type { CpuFeatures } from '../runtime/cpu.js';
import { notComparedProblem } from '../verify/outputDamage.js';
import { builtWhole, unfitOperators, withoutUnfit } from '../verify/verify.js';
import { inFloatProblem, planOfBody, type OpenedBodies, type OpenedBody } from './bodies.js';

/** What quantizes the model of a body by a plan. */
export type MakeBody<Body> = (
  body: Body,
  planned: Plan,
) => Promise<{ readonly quantization: Quantization; readonly problems: readonly Problem[] }>;

/** Quantizes bodies where they stand, but for those of nodes that stay in float. */
export async function quantizeBodies<Body extends OpenedBody>(
  { bodies, problems }: OpenedBodies<Body>,
  planned: Plan,
  { make, cpu, float }: { make: MakeBody<Body>; cpu: CpuFeatures; float: ReadonlySet<string> },
): Promise<{ bodies: readonly QuantizedBody[]; problems: readonly Problem[] }> {
  const quantized: QuantizedBody[] = [];
  const unexpected = problems.filter(({ data }) => !float.has(String(data?.['node'])));
  for (const body of bodies) {
    const { owner, attribute } = body.place;
    if (float.has(owner.name)) continue;
    try {
      const made = await make(body, planOfBody(planned, body.place));
      const checked = await check(made.quantization, body, cpu);
      const { quantization, isCompared } = checked;
      quantized.push({ owner: owner.name, attribute, quantization, isCompared });
      append(unexpected, [...made.problems, ...checked.problems]);
      if (!isCompared) unexpected.push(notComparedProblem(owner.name));
    } catch (error) {
      if (!(error instanceof QuantsmithError) || error.problem.code === 'runtime-out-of-memory') throw error;
      // The config leaves nothing to quantize there.
      if (error.problem.code !== 'nothing-to-quantize')
        unexpected.push(inFloatProblem(owner.name, error.message));
    }
  }

  return { bodies: quantized, problems: unexpected };
}

/** Leaves in float what the runtime refuses, and operators whose kernels do not compute what was intended. */
async function check(quantization: Quantization, { statistics }: OpenedBody, cpu: CpuFeatures) {
  const { source, workers } = statistics;
  const { feeds } = await source.get(0);
  const runnable = await leaveRefusedInFloat(quantization, feeds);
  const samples = { source, indices: [0], inSample: true };
  const fullModel = builtWhole(runnable.quantization);
  const unfit = await unfitOperators(runnable.quantization, fullModel, samples, workers.threads);

  // Where sums saturate, overflow_fix has the word.
  const leftInFloat = targetSaturates('host', cpu) ? [] : (unfit ?? []);

  return {
    ...runnable,
    quantization: withoutUnfit(runnable.quantization, leftInFloat),
    isCompared: unfit !== null,
  };
}
