import type { ModelProto } from '@quantsmith/model/onnx';
import type { QuantizationChange } from '@quantsmith/schemas';
import { noiseSamples, type Finished } from '../measure/finished.js';
import { firstCollapse } from '../profile/collapse.js';
import { tryCures } from '../profile/explain.js';
import { clippingProblems, collapseProblem } from '../profile/findings.js';
import { profileLayers } from '../profile/profile.js';
import type { RestoreOutcome } from '../restore/restore.js';
import { lossOf } from '../validation/loss.js';
import { damagedOutputs } from '../verify/outputDamage.js';
import type { CheckSamples, Verification } from '../verify/verify.js';
import type { MadeQuantization } from './make.js';
import type { OpenedRun } from './open.js';

interface FinishedRun {
  readonly restored: RestoreOutcome<MadeQuantization>;
  readonly final: ModelProto;
  readonly finished: Finished;
  readonly verification: Verification;
}

/** Says where ranges do not hold the data, and, where something is lost, which layer loses it first and what would help. */
export async function explainLosses(
  { restored, final, finished, verification }: FinishedRun,
  remake: (change: QuantizationChange) => Promise<MadeQuantization>,
  samples: CheckSamples,
  { warn, workers, validation }: OpenedRun,
): Promise<void> {
  const feeds = await noiseSamples(samples);
  warn(clippingProblems(finished.layers, { count: feeds.length, inSample: samples.inSample }));
  const loss = lossOf(validation, restored.measured);
  const damaged = damagedOutputs(verification, { accuracyKept: loss === 'small' });
  if (damaged.length === 0 && loss !== 'large') return;
  const { quantization } = restored.made;
  const shared = {
    quantization,
    final,
    reverted: restored.reverted,
    samples: feeds,
    threads: workers.threads,
  };
  const collapse = firstCollapse((await profileLayers({ ...shared, alone: true })).layers);
  if (collapse === null) return;
  const remade = async (change: QuantizationChange) => (await remake(change)).quantization;

  warn([collapseProblem(collapse, await tryCures(collapse, { ...shared, remake: remade }))]);
}
