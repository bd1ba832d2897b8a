import { type ModelProto } from '@quantsmith/model/onnx';
import { createSession, run, unlessRefused, type Session } from '../runtime/session.js';
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
 * The same with what the optimizer makes of a form of the model from which the runs here are kept. null: it makes nothing that loads
 * and runs, so that no figure is wrong.
 */
export async function withMisreadForm(
  agreement: readonly FloatAgreement[],
  form: ModelProto,
  unoptimized: UnoptimizedOutputs,
  { source }: CheckSamples,
  options: { readonly threads: number; readonly dir: string },
): Promise<readonly FloatAgreement[] | null> {
  const misread = compareOutputs(agreement.map(({ name }) => name));
  const session = await createSession(form, options).catch(unlessRefused);
  if (session === null) return null;
  try {
    for (const [i, outputs] of unoptimized.outputs.entries()) {
      const { feeds } = await source.get(unoptimized.indices[i] ?? 0);
      const results = await run(session, feeds).catch(unlessRefused);
      if (results === null) return null;
      misread.add(outputs, results);
    }
  } finally {
    await session.release();
  }

  const levels = misread.result();

  return agreement.map((output, i) => {
    const optimizedDb = levels[i]?.sqnrDb ?? null;
    const isWorse = optimizedDb !== null && optimizedDb < (output.optimizedDb ?? Number.POSITIVE_INFINITY);
    return isWorse ? { ...output, optimizedDb, isKeptFrom: true } : output;
  });
}
