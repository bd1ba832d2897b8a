import type { ModelProto } from '@quantsmith/model/onnx';
import { alikeProblems } from '../data/alike.js';
import { KEPT_CHECK_BYTES, keepResults, keepSamples } from '../data/keep.js';
import { AS_FAST, isSlower, latencyProblems } from '../measure/findings.js';
import { measureLatency, type Latency } from '../measure/latency.js';
import { explainSlowness } from '../measure/slowdown.js';
import { hasDotProducts, targetSaturates } from '../overflow/isa.js';
import type { Plan } from '../plan/plan.js';
import { withPadsOfZero } from '../prepare/apartPads.js';
import type { Quantization } from '../quantize/quantization.js';
import { inFloat, leaveRefusedInFloat } from '../quantize/refused.js';
import { inferenceCost } from '../runtime/affordable.js';
import { autoProblems } from '../saturation/auto.js';
import { run } from '../runtime/session.js';
import type { lossOf } from '../validation/loss.js';
import { refusedFormProblem, unfitProblems, verificationProblems } from '../verify/outputDamage.js';
import { floatAgreement, withMisreadForm } from '../verify/floatAgreement.js';
import { withFinishedSessions } from '../verify/sessions.js';
import {
  builtWhole,
  checkCount,
  checkSamples,
  unfitOperators,
  unoptimizedOutputs,
  verifyModel,
  withoutUnfit,
  type CheckSamples,
  type UnfitOperator,
  type Verification,
} from '../verify/verify.js';
import type { MadeQuantization } from './make.js';
import type { OpenedRun } from './open.js';

/** A quantization that the runtime runs, and whose kernels compute what was intended. */
export interface CheckedQuantization {
  readonly made: MadeQuantization;
  /** The same operators left in float in a quantization by other settings. */
  readonly fit: (other: MadeQuantization) => MadeQuantization;
  /**
   * Operators of `made` whose kernels give other codes, where none of them was left in float; null: some were, or none could be
   * compared.
   */
  readonly unfit: readonly UnfitOperator[] | null;
  readonly samples: CheckSamples;
}

/** Leaves in float what the runtime refuses, and operators whose kernels do not compute what was intended. */
export async function checkQuantization(
  first: MadeQuantization,
  planned: Plan,
  opened: OpenedRun,
): Promise<CheckedQuantization> {
  const { clock, cpu, warn, workers, statistics } = opened;
  const { feeds } = await statistics.source.get(0);
  const runnable = await leaveRefusedInFloat(first.quantization, feeds);
  warn([...first.problems, ...runnable.problems, ...autoProblems(planned.overflow, cpu)]);
  const whole = { ...first, quantization: runnable.quantization };

  clock.stage('verify', null);
  const samples = await openCheckSamples(opened);
  const unfit = await unfitOperators(
    whole.quantization,
    builtWhole(whole.quantization),
    samples,
    workers.threads,
  );

  // Where sums saturate, overflow_fix has the word: what a config states of it is not changed.
  const leftInFloat = targetSaturates('host', cpu) ? [] : (unfit ?? []);
  warn(unfitProblems(leftInFloat));
  const withoutThese = (made: MadeQuantization) => ({
    ...made,
    quantization: withoutUnfit(made.quantization, leftInFloat),
  });

  return {
    made: withoutThese(whole),
    fit: (other) => withoutThese({ ...other, quantization: inFloat(other.quantization, runnable.float) }),
    unfit: leftInFloat.length === 0 ? unfit : null,
    samples,
  };
}

/** The samples that models are compared on, each read once; warns of sets whose samples are alike. */
async function openCheckSamples(opened: OpenedRun): Promise<CheckSamples> {
  const { float, statistics, validation, warn, once } = opened;
  const { samples, problems } = await once(['check samples'], async () => {
    const { feeds } = await statistics.source.get(0);
    const chosen = checkSamples(statistics, validation, checkCount(inferenceCost(float, feeds)));
    const isValidation = validation !== null && chosen.source === validation.source;
    return {
      samples: { ...chosen, source: keepSamples(chosen.source, KEPT_CHECK_BYTES) },
      problems: [
        ...(await alikeProblems(statistics.source, 'calibration', statistics.samples)),
        ...(isValidation ? await alikeProblems(validation.source, 'validation') : []),
      ],
    };
  });

  warn(problems);

  return samples;
}

/** The quantization that served best, and the model that was written of it. */
export interface FinishedModel {
  readonly quantization: Quantization;
  readonly final: ModelProto;
  /** The operators that restoration left in float. */
  readonly reverted: ReadonlySet<string>;
  /** Whether it is the quantization that was checked, as it was checked. */
  readonly unchanged: boolean;
  /** What the metric says of it. */
  readonly loss: ReturnType<typeof lossOf>;
}

/** Compares the finished model with the float model, and times both: they are loaded once for that. */
export async function verifyFinished(
  { quantization, final, reverted, unchanged, loss }: FinishedModel,
  checked: CheckedQuantization,
  { clock, cpu, warn, workers, statistics, alone, once }: OpenedRun,
): Promise<{ verification: Verification; latency: Latency }> {
  const { threads } = workers;
  const { samples } = checked;
  clock.stage('verify', null);
  const unfit =
    (unchanged ? checked.unfit : null) ?? (await unfitOperators(quantization, final, samples, threads));

  // Before the other two are loaded: three models at once could take more memory than the rest of the run.
  const { model, graph, dir } = quantization.prepared;
  const plain = await once(['unoptimized'], () => unoptimizedOutputs(model, samples, { threads, dir }));
  const unoptimized = await unoptimizedOutputs(final, samples, { threads, dir });
  const keep = await once(['outputs'], () => Promise.resolve(keepResults(KEPT_CHECK_BYTES)));
  const { feeds } = await statistics.source.get(0);

  const damage = await withFinishedSessions(quantization, final, threads, async (sessions) => {
    const outputs = (index: number) =>
      keep(index, async () => run(sessions.float, (await samples.source.get(index)).feeds));
    const { agreement, problems } = await once(['agreement'], async () => {
      const steadiness = await floatAgreement(sessions.float, outputs, plain, samples);
      const padded = withPadsOfZero(model, graph, dir);
      if (padded === null) return { agreement: steadiness, problems: [] };
      const misread = await withMisreadForm(steadiness, padded.form, plain, samples, { threads, dir });
      return misread === null
        ? { agreement: steadiness, problems: [refusedFormProblem(padded.pads)] }
        : { agreement: misread, problems: [] };
    });
    warn(problems);
    const verification = await verifyModel(
      sessions.quantized,
      { outputs, agreement },
      unoptimized,
      unfit,
      samples,
      (done, total) => clock.progress(done, 'outputs', total),
    );

    const saturates = targetSaturates('host', cpu);
    warn(verificationProblems(verification, { saturates, accuracyKept: loss === 'small' }));
    clock.stage('measure', null);

    const latency = await alone(() =>
      measureLatency(sessions.float, sessions.quantized, feeds, { asked: AS_FAST }),
    );

    return { verification, latency };
  });
  const slowdown = isSlower(damage.latency)
    ? await alone(() => explainSlowness(quantization, final, reverted, feeds, threads))
    : null;
  warn(latencyProblems(damage.latency, slowdown, hasDotProducts(cpu)));

  return damage;
}
