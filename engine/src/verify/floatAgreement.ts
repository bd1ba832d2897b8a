import { run, type Session } from '../runtime/session.js';
import { nudged } from './nudge.js';
import { comparableOutputs, compareOutputs } from './outputs.js';
import type { CheckSamples, FloatAgreement, FloatSide, UnoptimizedOutputs } from './verify.js';

/** Compares the float model with itself on the samples that went through it unoptimized. */
export async function floatAgreement(
  float: Session,
  optimized: FloatSide['outputs'],
  unoptimized: UnoptimizedOutputs,
  { source }: CheckSamples,
): Promise<FloatAgreement[]> {
  const names = comparableOutputs(float);
  const [optimizing, nudging] = [compareOutputs(names), compareOutputs(names)];
  for (const [i, index] of unoptimized.indices.entries()) {
    const expected = await optimized(index);
    optimizing.add(unoptimized.outputs[i]!, expected);
    const almostEqual = nudged((await source.get(index)).feeds);
    if (almostEqual !== null) nudging.add(expected, await run(float, almostEqual));
  }

  const steady = nudging.result();

  return optimizing
    .result()
    .map(({ name, sqnrDb }, i) => ({ name, optimizedDb: sqnrDb, steadyDb: steady[i]?.sqnrDb ?? null }));
}
