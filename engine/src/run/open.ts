import { randomUUID } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { readText } from '@quantsmith/model/files';
import { changedFiles, readModel, type LoadedModel } from '@quantsmith/model/onnx';
import {
  type ConfigPath,
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
import { fileStamps } from '../data/dataContent.js';
import { KEPT_BYTES, KEPT_CALIBRATION_BYTES, keepSamples } from '../data/keep.js';
import { spreadSamples } from '../data/spread.js';
import { openData } from '../data/source.js';
import type { DataContext, FloatModel, SampleSource } from '../data/types.js';
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
import { defaultThreads, refuseThreads } from '../runtime/threads.js';
import type { Once } from '../runtime/once.js';
import type { Workers } from '../runtime/workers.js';
import { createPool } from '../statistics/pool.js';
import { classesOf } from '../validation/plausibility.js';
import { consoleTo } from '../data/modules/console.js';
import { openValidation, type Validation } from '../validation/validation.js';
import { spreadOver, type Channel } from '../work/open.js';
import { needsModules } from '../work/subject.js';
import { shareRuns, type SharedRuns } from './shared.js';

const THREADS: ConfigPath = ['quantization', 'advanced_parameters', 'backend_params', 'threads'];

/**
 * Opens workers with the threads that the config asks for, and closes them whatever happens. Calibration alone has one session:
 * several would be little faster on an idle machine, and take more memory. Runs that share a process share its workers, too,
 * which stay open. Throws `too-many-threads`.
 */
export async function withWorkers<T>(
  request: RunRequest,
  open: (threads: number) => Workers,
  body: (workers: Workers) => Promise<T>,
  shared: SharedRuns | null = null,
): Promise<T> {
  const threads = plan(request.config).threads ?? defaultThreads();
  refuseThreads(threads, THREADS);
  if (shared !== null) return body(await shared.workers(open, threads));
  const workers = open(threads);
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
  /** What earlier runs of this process have made; null or left out: there are none. */
  readonly shared?: SharedRuns | null;
}

/** Everything that is there before anything is quantized: model, data and metric, checked. */
export async function openRun(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
  workers: Workers,
  { output, listen = () => undefined, shared = null }: OpenRunOptions = {},
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
  const read = await readModel(paths.model);
  const loaded = (await shared?.begin(read)) ?? read;
  await output?.spare(loaded.externalFiles);
  workers.warm(loaded.model);

  clock.stage('prepare', null);
  const kept = shared ?? shareRuns();
  const float = await kept.once(['prepared'], () => prepared(loaded));
  warn(float.problems);

  const context = {
    ...dataContext(float),
    baseDir: paths.baseDir,
    allowModules: request.allowModules,
    modules: consoleTo(planned.modules, emit),
  };
  const sharing = { context, float, workers, kept, keeps: shared !== null };
  const { source, validated, same, measuredOn } = await openSamples(request, planned, sharing);
  warn(validated?.problems ?? []);
  const validation =
    validated === null
      ? null
      : await sharedValidation(remembering(validated, [...measuredOn, workers.threads], shared), request, {
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
  const ofFloat = [...measuredOn, 'float', planned.samples, workers.threads];

  const alone = machineLock({
    onWait: (owner) => clock.progress(0, `waiting for ${ownerText(owner)} to finish measuring`),
    warn,
  });

  return {
    ...{ ...inputs, clock, planned, warnings, warn, alone, shared, same },
    /** What follows from the float model and the samples alone: made once for all runs that share their process. */
    once: onceFor(ofFloat, shared),
  };
}

/** Without runs that follow nothing is kept. */
function onceFor(subject: readonly unknown[], shared: SharedRuns | null): Once {
  return shared === null ? (_, make) => make() : (key, make) => shared.once([...subject, ...key], make);
}

interface SamplesSharing {
  readonly context: Omit<DataContext, 'configPath'>;
  readonly float: PreparedModel;
  readonly workers: Workers;
  readonly kept: SharedRuns;
  /** Whether other runs will read the validation samples again. */
  readonly keeps: boolean;
}

/** Calibration and validation samples, as earlier runs of this process have opened them where they are the same. */
async function openSamples(
  request: RunRequest,
  planned: Plan,
  { context, float, workers, kept, keeps }: SamplesSharing,
) {
  const few = (whole: SampleSource) =>
    request.samples === undefined ? whole : spreadSamples(whole, request.samples);
  const same = await sameSamples(request, planned);
  const source = await kept.once([...same, 'calibration', planned.samples], async () => {
    const opened = await openData(planned.samples.section, {
      ...context,
      configPath: ['data', 'calibration'],
      limit: planned.samples.limit,
      floatModel: runsAlone(float, workers, kept),
    });

    return keepSamples(few(opened), KEPT_CALIBRATION_BYTES);
  });

  const measuredOn = [...same, 'validation', planned.validation];
  const validated = await kept.once(measuredOn, async () => {
    const opened = await openValidation(planned.validation, context);
    if (opened === null) return null;
    const whole = few(opened.source);

    return { ...opened, source: keeps ? keepSamples(whole, KEPT_BYTES) : whole };
  });

  return { source, validated, same, measuredOn };
}

/** A validation that measures models of the same bytes once, where runs share their process. */
function remembering(
  validation: Validation,
  measuredOn: readonly unknown[],
  shared: SharedRuns | null,
): Validation {
  if (shared === null) return validation;
  return { ...validation, once: (key, make) => shared.once([...measuredOn, ...key], make) };
}

/** Tells samples from others: what their files are, and how they are read. Modules are asked anew for each run. */
async function sameSamples(request: RunRequest, { samples, validation }: Plan): Promise<readonly unknown[]> {
  const { config, configPath, samples: few = null, allowModules } = request;
  const hasModule = samples.section.loader !== undefined || (validation !== null && needsModules(validation));
  const files = hasModule ? randomUUID() : await fileStamps(configuredInputs(config, resolve(configPath)));

  return [dirname(resolve(configPath)), files, few, allowModules];
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
function runsAlone({ model, dir }: PreparedModel, workers: Workers, { once }: SharedRuns): FloatModel {
  const open = () => workers.open(model, { dir, alone: true });
  return async (feeds) => {
    const runner = await once(['alone'], open, ({ release }) => release());
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
