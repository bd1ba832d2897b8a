import { runPaths, type EngineEvent, type EvaluateRequest, type ModelEvaluation } from '@quantsmith/schemas';
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { firstIndices, openData, readAhead } from '../data/source.js';
import { sqnr } from '../metrics/difference.js';
import { accumulate } from '../metrics/evaluate.js';
import type { Metric, Outputs, SampleState } from '../metrics/metric.js';
import { consoleTo } from '../data/modules/console.js';
import type { ModuleLimits } from '../data/modules/moduleProcess.js';
import { NO_TASK, type Task } from '../tasks/task.js';
import { settleTask } from '../tasks/guess.js';
import { runSample } from '../runtime/batch.js';
import { createSession, run } from '../runtime/session.js';
import { defaultThreads } from '../runtime/threads.js';
import type { DataSection } from '../data/types.js';
import { openValidation, probe, type Validation, type ValidationPlan } from './validation.js';

export interface EvaluationPlan {
  readonly threads: number | null;
  readonly modules: ModuleLimits;
  readonly samples: { readonly section: DataSection };
  readonly validation: ValidationPlan | null;
}

/**
 * Runs a model over the validation samples of a config, or over the calibration samples where there are none; without a metric
 * the measure is the SQNR. Two machines with the same hashes have the same outputs to the bit.
 */
export async function evaluateModel(
  request: EvaluateRequest,
  plan: EvaluationPlan,
  emit: (event: EngineEvent) => void,
): Promise<ModelEvaluation> {
  const threads = plan.threads ?? defaultThreads();
  const session = await createSession(request.modelPath, { threads });
  try {
    const [only, ...others] = session.outputs;
    const classes = others.length === 0 && only?.dims.length === 2 ? only.dims[1] : null;
    const context = {
      modelClasses: typeof classes === 'number' ? classes : null,
      inputs: session.inputs,
      outputs: session.outputs,
      baseDir: dirname(request.configPath),
      allowModules: request.allowModules,
      modules: consoleTo(plan.modules, emit),
    };

    const validation = await openValidation(plan.validation, context);
    const source =
      validation?.source ??
      (await openData(plan.samples.section, { ...context, configPath: ['data', 'calibration'] as const }));

    const metric: Metric = validation?.metric ?? sqnr;
    const outputs: string[] = [];
    const states: SampleState[] = [];
    const task = await probedTask(validation, (feeds) => run(session, feeds));
    const { model } = runPaths(request);
    const float = metric.needsReference ? await createSession(model, { threads }) : null;
    try {
      for await (const sample of readAhead(source, firstIndices(source.count))) {
        const results = await runSample(session, sample);
        outputs.push(hashOf(results));
        const reference = float === null ? null : await runSample(float, sample);
        states.push(await accumulate(metric, results, sample, reference, task));
        const [done, total] = [outputs.length, source.count];
        emit({ type: 'progress', stage: 'measure', done, total, secondsLeft: null });
      }
    } finally {
      await float?.release();
    }

    return { metric: { name: metric.name, value: metric.result(states) }, outputs };
  } finally {
    await session.release();
  }
}

/** The task, settled by what the model itself gives for some samples. */
async function probedTask(
  validation: Validation | null,
  outputsOf: (feeds: Outputs) => Promise<Outputs>,
): Promise<Task> {
  if (validation === null) return NO_TASK;
  const samples = await probe(validation.source);
  const seen = [];
  for (const { feeds, image = null } of samples) seen.push({ feeds, image, outputs: await outputsOf(feeds) });
  return settleTask(validation.task, seen);
}

function hashOf(outputs: Outputs): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(outputs).sort()) {
    const { data } = outputs[name]!;
    hash.update(
      ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : String(data),
    );
  }

  return hash.digest('hex');
}
