import { join, resolve } from 'node:path';
import { readText } from '@quantsmith/model/files';
import { changedFiles, readModel, type LoadedModel } from '@quantsmith/model/onnx';
import {
  configuredInputs,
  fail,
  QuantsmithError,
  runPaths,
  type RunPaths,
  type EngineEvent,
  type Problem,
  type RunRequest,
  append,
} from '@quantsmith/schemas';
import type { Calibration } from '../calibration/calibration.js';
import { KEPT_CALIBRATION_BYTES, keepSamples } from '../data/keep.js';
import { spreadSamples } from '../data/spread.js';
import { openData } from '../data/source.js';
import type { FloatModel, SampleSource } from '../data/types.js';
import { machineLock } from '../measure/machineLock.js';
import { claimOutput, type Output } from '../output/output.js';
import { defaultCache } from '../cache/defaultCache.js';
import { CACHE_BYTES, type Cache } from '../cache/entries.js';
import { plan, type Plan } from '../plan/plan.js';
import type { Owner } from '../processes/owner.js';
import { prepareModel, type PreparedModel } from '../prepare/prepare.js';
import { inputSignatures, outputSignatures } from '../prepare/types.js';
import { startClock } from '../progress/clock.js';
import { cpuFeatures } from '../runtime/cpu.js';
import { defaultThreads } from '../runtime/threads.js';
import type { ModelRunner, Workers } from '../runtime/workers.js';
import { createPool } from '../statistics/pool.js';
import { classesOf } from '../validation/plausibility.js';
import { consoleTo } from '../data/modules/console.js';
import { openValidation, type Validation } from '../validation/validation.js';
import { spreadOver, type Channel } from '../work/open.js';

/**
 * Opens workers with the threads that the config asks for, and closes them whatever happens. Calibration alone has one session:
 * several would be little faster on an idle machine, and take more memory.
 */
export async function withWorkers<T>(
  request: RunRequest,
  open: (threads: number) => Workers,
  body: (workers: Workers) => Promise<T>,
): Promise<T> {
  const workers = open(plan(request.config).threads ?? defaultThreads());
  try {
    return await body(workers);
  } finally {
    await workers.close();
  }
}

export type OpenedRun = Awaited<ReturnType<typeof openRun>>;

interface OpenRunOptions {
  /** Where the result goes; left out: nothing is written. */
  readonly output?: Output;
  /** Hears whoever started this process; left out: nobody does. */
  readonly listen?: Channel['listen'];
}

/** Everything that is there before anything is quantized: model, data and metric, checked. */
export async function openRun(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
  workers: Workers,
  { output, listen = () => undefined }: OpenRunOptions = {},
) {
  const clock = startClock(emit);
  const planned = plan(request.config);
  const cpu = await cpuFeatures();
  const paths = runPaths(request);
  const { warnings, warn } = collectWarnings(emit);

  // As it is when the run begins: the history keeps it.
  const configText =
    request.configText ?? (await readText(request.configPath).catch(() => JSON.stringify(request.config)));
  clock.stage('load', null);
  const loaded = await readModel(paths.model);
  await output?.spare(loaded.externalFiles);
  workers.warm(loaded.model);

  clock.stage('prepare', null);
  const float = await prepared(loaded);
  warn(float.problems);

  const context = {
    ...dataContext(float),
    baseDir: paths.baseDir,
    allowModules: request.allowModules,
    modules: consoleTo(planned.modules, emit),
  };
  const opened = await openData(planned.samples.section, {
    ...context,
    configPath: ['data', 'calibration'],
    limit: planned.samples.limit,
    floatModel: runsAlone(float, workers),
  });
  const few = (whole: SampleSource) =>
    request.samples === undefined ? whole : spreadSamples(whole, request.samples);
  const source = keepSamples(few(opened), KEPT_CALIBRATION_BYTES);
  const validated = await openValidation(planned.validation, context);
  warn(validated?.problems ?? []);
  const validation =
    validated === null
      ? null
      : await sharedValidation({ ...validated, source: few(validated.source) }, request, {
          ...{ context, planned, workers, warn, emit, listen },
        });

  const statistics: Calibration = {
    loaded,
    source,
    samples: Math.min(source.count, planned.samples.limit),
    workers,
    cache: request.cache === false ? null : cacheOf(request),
    pool: createPool(),
    onSample: (done) => clock.progress(done),
    warn,
  };

  const inputs = { configText, cpu, paths, workers, loaded, float, validation, statistics };

  const alone = machineLock({
    onWait: (owner) => clock.progress(0, `waiting for ${ownerText(owner)} to finish measuring`),
    warn,
  });

  return { ...inputs, clock, planned, warnings, warn, alone };
}

const ownerText = (owner: Owner | null) => (owner === null ? 'other processes' : `process ${owner.pid}`);

interface Sharing extends Channel {
  readonly context: ReturnType<typeof dataContext> & { readonly baseDir: string };
  readonly planned: Plan;
  readonly workers: Workers;
  readonly warn: (problems: readonly Problem[]) => void;
}

/** A validation whose measurements are shared with other processes where the request says so. */
async function sharedValidation(
  validation: Validation,
  { work, samples, configSha256 }: RunRequest,
  { context: { inputs, outputs, modelClasses, baseDir }, planned, workers, warn, emit, listen }: Sharing,
): Promise<Validation> {
  // A few of the samples are a matter of seconds.
  if (work === undefined || samples !== undefined || planned.validation === null) return validation;
  if (work.role !== 'offer' && planned.objective !== null) {
    fail(
      'nothing-to-share',
      'What an objective leads to cannot be foreseen, so that there are no shares of it: use --redis.',
      { configPath: ['objective'] },
    );
  }

  const subject = { plan: planned.validation, inputs, outputs, modelClasses, baseDir };
  const channel = { emit, listen };
  const spread = await spreadOver(work, channel, { ...subject, validation, workers, warn, configSha256 });

  return { ...validation, spread };
}

/** Shares calibrate once: the folder that they share holds their cache too. */
const cacheOf = ({ work }: RunRequest): Cache =>
  work === undefined || work.role === 'offer'
    ? defaultCache()
    : { dir: join(work.store, 'cache'), maxBytes: CACHE_BYTES };

/** What data are held to by the model that they feed. */
const dataContext = ({ model }: PreparedModel) => ({
  inputs: inputSignatures(model),
  outputs: outputSignatures(model),
  modelClasses: classesOf(model),
});

/** Problems are emitted at once, and kept for the report. */
function collectWarnings(emit: (event: EngineEvent) => void) {
  const warnings: Problem[] = [];
  const warn = (problems: readonly Problem[]) => {
    for (const problem of problems) emit({ type: 'problem', problem });
    append(warnings, problems);
  };

  return { warnings, warn };
}

/** Throws what makes a model impossible to quantize. */
async function prepared(loaded: LoadedModel): Promise<PreparedModel> {
  const model = await prepareModel(loaded);
  const refusal = model.problems.find(({ severity }) => severity === 'error');
  if (refusal !== undefined) throw new QuantsmithError(refusal);
  return model;
}

/** Runs a model on single feeds; it is loaded for the first ones. */
function runsAlone({ model, dir }: PreparedModel, workers: Workers): FloatModel {
  let opened: Promise<ModelRunner> | undefined;
  return async (feeds) => {
    const runner = await (opened ??= workers.open(model, { dir, alone: true }));
    for await (const [, results] of runner.run([{ feeds }])) return results;
    return {};
  };
}

/** Ends the run before it computes anything when its result has no place to go. Throws `output-unusable`, `output-busy`. */
export function claim(request: RunRequest, paths: RunPaths): Promise<Output> {
  return claimOutput(paths, {
    inputs: configuredInputs(request.config, resolve(request.configPath)),
    force: request.force === true,
    ...(request.output === undefined ? { configPath: ['output'] } : {}),
  });
}

/**
 * What is to be said of a model that changed while it was being quantized: the run goes on with what it has read. External
 * data are read when they are needed, so that old and new may be mixed: throws `model-changed`.
 */
export async function modelChanges(loaded: LoadedModel): Promise<Problem[]> {
  const [changed] = await changedFiles(loaded);
  if (changed === undefined) return [];
  const during = `${changed} has changed since the run began`;
  if (changed !== loaded.path) fail('model-changed', `${during}: run again.`, { file: changed });

  return [
    {
      code: 'model-changed',
      severity: 'warning',
      message: `${during}: the output and the hash in the report belong to the model as it was then.`,
      file: changed,
      configPath: ['model'],
    },
  ];
}
