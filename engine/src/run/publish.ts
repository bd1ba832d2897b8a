import { dirname, resolve } from 'node:path';
import { sha256 } from '@quantsmith/model/files';
import { modelSha256, type ModelProto } from '@quantsmith/model/onnx';
import {
  configuredData,
  portablePath,
  resolvedConfigText,
  type QuantizationReport,
  type RunRequest,
} from '@quantsmith/schemas';
import { dataContent } from '../data/dataContent.js';
import type { Finished } from '../measure/finished.js';
import type { Latency } from '../measure/latency.js';
import { keepRun } from '../output/history.js';
import { restoreBorder } from '../prepare/raiseFloats.js';
import type { Output } from '../output/output.js';
import type { Plan } from '../plan/plan.js';
import { buildReport } from '../report/build.js';
import type { RestoreOutcome } from '../restore/restore.js';
import { runtimeVersion } from '../runtime/session.js';
import { describeAnswers, type Answers } from '../validation/answers.js';
import type { Verification } from '../verify/verify.js';
import type { MadeQuantization } from './make.js';
import { modelChanges, type OpenedRun } from './open.js';
import { pinnedSettings, type SettledConfig } from './settle.js';

/** A finished model with everything that was measured of it. */
export interface MeasuredRun {
  readonly settled: SettledConfig;
  readonly planned: Plan;
  readonly restored: RestoreOutcome<MadeQuantization>;
  readonly final: ModelProto;
  readonly verification: Verification;
  readonly latency: Latency;
  readonly finished: Finished;
  /** What the search for an objective has seen; null: there was none. */
  readonly objective: QuantizationReport['objective'];
}

/** Writes model and report, which appear together, and keeps the run in the history. */
export async function publishRun(
  output: Output,
  request: RunRequest,
  opened: OpenedRun,
  run: MeasuredRun,
): Promise<QuantizationReport> {
  const { clock, paths, warn, loaded, float } = opened;
  // What is read of files comes before the stage that writes: it belongs to measuring.
  const dataFiles = configuredData(request.config, resolve(request.configPath));
  const data = await dataReport(opened, run.restored, dataFiles);
  const modelHash = await modelSha256(loaded);
  warn(await modelChanges(loaded));

  clock.stage('write', null);
  const written = await output.stageModel(restoreBorder(run.final, float.bfloat16Border), {
    sourceDir: float.dir,
    externalData: run.planned.output.externalData,
  });

  const files = {
    config: {
      path: portablePath(dirname(paths.report), resolve(request.configPath)),
      sha256: request.configSha256,
      resolvedSha256: sha256(resolvedConfigText(request.config)),
    },
    model: { path: portablePath(paths.baseDir, loaded.path), sha256: modelHash, bytes: loaded.fileBytes },
    output: {
      path: portablePath(paths.baseDir, paths.output),
      sha256: written.sha256,
      bytes: written.bytes,
    },
  };

  const { measured } = run.restored;
  const { validation } = opened;
  const answers =
    validation === null || measured === null ? null : await describeAnswers(validation, measured);
  const report = describe(files, data, answers, opened, run);
  await output.publish(`${JSON.stringify(report, null, 2)}\n`, written);
  if (request.config.history !== false && request.samples === undefined) {
    const { configPath } = request;
    const problem = await keepRun({ paths, configPath, report, configText: opened.configText });
    warn(problem === null ? [] : [problem]);
  }

  return report;
}

type ReportedFiles = Pick<Parameters<typeof buildReport>[0], 'config' | 'model' | 'output'>;

function describe(
  files: ReportedFiles,
  data: QuantizationReport['data'],
  answers: Answers | null,
  { clock, cpu, workers, warnings, validation }: OpenedRun,
  { settled, planned, restored, verification, latency, finished, objective }: MeasuredRun,
): QuantizationReport {
  const { quantization, records } = restored.made;
  return buildReport({
    ...files,
    answers,
    created: new Date(),
    data,
    runtime: {
      name: 'onnxruntime',
      version: runtimeVersion(),
      cpu: { model: cpu.model, isa: [...cpu.isa] },
      threads: workers.threads,
    },
    quantization,
    corrections: records,
    overflowFix: planned.overflow.fix,
    objective,
    choices: settled.choices,
    pinned: pinnedSettings(settled, quantization),
    validation,
    restored,
    finished,
    latency,
    verification,
    timings: clock.timings(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    warnings,
  });
}

async function dataReport(
  { statistics: { source, samples }, validation }: OpenedRun,
  { made: { cached }, measured }: RestoreOutcome<MadeQuantization>,
  files: readonly string[],
): Promise<QuantizationReport['data']> {
  const content_sha256 = await dataContent(files);
  const calibration = { samples, sha256: await source.fingerprint(), cached };
  if (validation === null) return { calibration, validation: null, content_sha256 };
  const { count } = validation.source;
  const sha256 = await validation.source.fingerprint();
  const isKnown = measured?.baseline.cached === true;

  return { calibration, validation: { samples: count, cached: isKnown, sha256 }, content_sha256 };
}
