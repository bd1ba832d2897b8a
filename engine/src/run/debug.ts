import { readText, sha256 } from '@quantsmith/model/files';
import {
  readReport,
  resolvedConfigText,
  runPaths,
  withChange,
  type DebugReport,
  type DebugRequest,
  type EngineEvent,
  type QuantizationConfig,
  type QuantizationReport,
  smallest,
} from '@quantsmith/schemas';
import { noiseSamples } from '../measure/finished.js';
import { plan } from '../plan/plan.js';
import { causeText, firstCollapse, LOST_DB } from '../profile/collapse.js';
import { outputLevels } from '../profile/explain.js';
import { profileLayers, type LayerProfile } from '../profile/profile.js';
import { openTensorFolder } from '../profile/save.js';
import { buildModel } from '../quantize/quantization.js';
import { leaveRefusedInFloat } from '../quantize/refused.js';
import { inferenceCost, valuesIn } from '../runtime/affordable.js';
import type { Feeds } from '../runtime/batch.js';
import type { Workers } from '../runtime/workers.js';
import { checkCount, checkSamples } from '../verify/verify.js';
import { makeQuantization, quantizationInputs } from './make.js';
import { openRun } from './open.js';

/** Samples for ranges where no run of this config has left statistics: as many as have so many values, within these limits. */
const FEW = { values: 2 ** 22, least: 8, most: 16 };

/** Quantizes as the last run of this config did, else by the fixed defaults on few samples, and compares every layer. */
export async function debugConfig(
  request: DebugRequest,
  emit: (event: EngineEvent) => void,
  workers: Workers,
): Promise<DebugReport> {
  const begun = performance.now();
  const folder = request.save === undefined ? null : await openTensorFolder(request.save);
  const report = await lastReport(request);
  const opened = await openRun({ ...request, kind: 'run' }, emit, workers);
  const { clock, statistics, validation, float } = opened;
  const { feeds: first } = await statistics.source.get(0);
  const few = Math.min(fewSamples(first), statistics.samples);
  const used = report === null ? { ...statistics, samples: few } : statistics;
  const inputs = { ...quantizationInputs(opened), statistics: used };
  const config = settledBy(report, request.config);
  const made = await makeQuantization(inputs, plan(config), clock.stage);
  const { quantization } = await leaveRefusedInFloat(made.quantization, first);
  const reverted = new Set(report === null ? [] : floatIn(report));
  const final = buildModel(quantization, reverted);

  clock.stage('measure', null);
  const chosen = checkSamples(used, validation, checkCount(inferenceCost(float, first)));
  const feeds = await noiseSamples(chosen);
  const { threads } = workers;
  const { layers, outputs: expected } = await profileLayers({
    ...{ quantization, final, reverted, samples: feeds, threads, alone: true },
    ...(folder === null ? {} : { onTensors: folder.keep }),
  });

  const samples = feeds.slice(0, expected.length);
  const levels = await outputLevels(quantization, final, { samples, threads, expected });

  return {
    schema_version: 1,
    model: request.config.model,
    settings: report === null ? 'defaults' : 'report',
    calibration_samples: used.samples,
    samples: samples.length,
    in_sample: chosen.inSample,
    outputs: [...levels].map(([name, level]) => ({ name, sqnr_db: finite(level) })),
    first: firstOf(layers, smallest(levels.values())),
    layers: layers.map(layerOf),
    saved: folder === null ? [] : await folder.written(),
    seconds: (performance.now() - begun) / 1000,
  };
}

function fewSamples(feeds: Feeds): number {
  return Math.min(FEW.most, Math.max(FEW.least, Math.floor(FEW.values / valuesIn(feeds))));
}

/** The report of the last run, where that was of this very config; null: there is none. */
async function lastReport(request: DebugRequest): Promise<QuantizationReport | null> {
  const { report: path } = runPaths(request);
  const text = await readText(path).catch(() => null);
  if (text === null) return null;
  const resolvedSha256 = sha256(resolvedConfigText(request.config));
  const read = readReport(parsed(text));
  return 'report' in read && read.report.config.resolved_sha256 === resolvedSha256 ? read.report : null;
}

/** What a report holds; null where it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The config with what the last run chose by measurement; without a run, with the fixed defaults. */
function settledBy(report: QuantizationReport | null, config: QuantizationConfig): QuantizationConfig {
  return withChange(config, report === null ? { defaults: 'nncf' } : (report.pinned ?? {}));
}

/** Operators that the last run left in float: for accuracy, or since their kernels compute something else. */
const floatIn = ({ restoration, verified }: QuantizationReport): string[] => [
  ...(restoration?.reverted ?? []),
  ...(verified?.unfit ?? []).map(({ name }) => name),
];

/** A layer loses the signal where an output lost it, too: noise that later layers take away does no harm. */
function firstOf(layers: readonly LayerProfile[], worstOutputDb: number): DebugReport['first'] {
  const collapse = firstCollapse(layers);
  if (collapse === null) return null;
  const { layer, beforeDb, afterDb, lost, cause } = collapse;
  return {
    ...{ name: layer.name, op: layer.op, lost: lost && worstOutputDb < LOST_DB },
    ...{ before_db: finite(beforeDb), after_db: finite(afterDb) },
    ...{ cause: cause.kind, text: causeText(collapse) },
  };
}

function layerOf({
  name,
  op,
  quantized,
  sqnrDb,
  aloneDb,
  inputs,
  weights,
}: LayerProfile): DebugReport['layers'][number] {
  return {
    ...{ name, op, quantized, sqnr_db: finite(sqnrDb), alone_db: finite(aloneDb) },
    inputs: inputs.map(({ tensor, low, high, used, clipped, roundingDb, channelSpread }) => ({
      ...{ tensor, low, high, used, clipped, rounding_db: roundingDb, channel_spread: channelSpread },
    })),
    weights:
      weights === null
        ? null
        : {
            bits: weights.bits,
            per_channel: weights.perChannel,
            sqnr_db: weights.sqnrDb,
            channel_spread: weights.channelSpread,
          },
  };
}

const finite = (value: number | null) => (Number.isFinite(value) ? value : null);
