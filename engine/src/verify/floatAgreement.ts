import { type ModelProto } from '@quantsmith/model/onnx';
import { createSession, isLoadFailure, run, type Session } from '../runtime/session.js';
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

  return optimizing.result().map(({ name, sqnrDb }, i) => ({
    ...{ name, optimizedDb: sqnrDb, steadyDb: steady[i]?.sqnrDb ?? null, isKeptFrom: false },
  }));
}

/**
 * The same with what the optimizer makes of a form of the model from which the runs here are kept. Where it makes nothing that
 * loads, no figure is wrong.
 */
export async function withMisreadForm(
  agreement: readonly FloatAgreement[],
  form: ModelProto,
  unoptimized: UnoptimizedOutputs,
  { source }: CheckSamples,
  options: { readonly threads: number; readonly dir: string },
): Promise<readonly FloatAgreement[]> {
  const session = await createSession(form, options).catch((error: unknown) => {
    if (isLoadFailure(error)) return null;
    throw error;
  });
  if (session === null) return agreement;
  try {
    const misread = compareOutputs(agreement.map(({ name }) => name));
    for (const [i, outputs] of unoptimized.outputs.entries()) {
      const { feeds } = await source.get(unoptimized.indices[i] ?? 0);
      misread.add(outputs, await run(session, feeds));
    }

    const levels = misread.result();

    return agreement.map((output, i) => {
      const optimizedDb = levels[i]?.sqnrDb ?? null;
      const isWorse = optimizedDb !== null && optimizedDb < (output.optimizedDb ?? Number.POSITIVE_INFINITY);
      return isWorse ? { ...output, optimizedDb, isKeptFrom: true } : output;
    });
  } finally {
    await session.release();
  }
}
