import type { OverflowSummary, QuantizationChange, QuantizationReport, RunPaths } from '@quantsmith/schemas';
import { editReport } from '../output/output.js';
import { KEPT_BYTES, keepSamples } from '../data/keep.js';
import { firstIndices } from '../data/source.js';
import type { SampleSource } from '../data/types.js';
import type { PreparedModel } from '../prepare/prepare.js';
import { encodeModel } from '@quantsmith/model/onnx';
import type { OverflowFix } from '../placement/weights.js';
import { kernelsOfBodies } from '../quantize/bodyKernels.js';
import { buildModel, type Quantization, sessionOptions } from '../quantize/quantization.js';
import { overflowLayers } from './layers.js';
import type { Clock } from '../progress/clock.js';
import { kernelsOf, optimizedModel } from '../runtime/optimized.js';
import { measureModel } from '../validation/measureModel.js';
import { measureBaseline, type Baseline, type Validation } from '../validation/validation.js';
import { targetSaturates, type HostCpu } from '../overflow/isa.js';
import type { Workers } from '../runtime/workers.js';
import type { OverflowPlan } from './auto.js';
import { calibrationFeeds, observeSaturation } from './observe.js';
import { predictSaturated } from './predict.js';

type Settings = OverflowSummary['settings'];

interface Inputs {
  readonly overflow: OverflowPlan;
  readonly float: PreparedModel;
  readonly validation: Validation | null;
  readonly statistics: { readonly source: SampleSource; readonly samples: number };
  readonly host: HostCpu;
  readonly workers: Workers;
  readonly clock: Clock;
}

const FIXES: readonly OverflowFix[] = ['disable', 'first_layer', 'enable', 'auto'];

/**
 * What each `overflow_fix` gives without restoration: layers at risk, layers that saturate on calibration samples, the
 * metric here and as predicted for a CPU where sums saturate. `layers` are those of the config's own setting. `auto` is
 * for the config's target, or for AVX2 where that one does not saturate.
 */
export async function compareFixes(
  make: (change: QuantizationChange) => Promise<{ readonly quantization: Quantization }>,
  inputs: Inputs,
): Promise<OverflowSummary> {
  const { overflow, host, workers, clock, float } = inputs;
  const target = targetSaturates(overflow.target, host) ? overflow.target : 'avx2';
  // Every setting reads the samples twice.
  const validation =
    inputs.validation === null
      ? null
      : { ...inputs.validation, source: keepSamples(inputs.validation.source, KEPT_BYTES) };

  clock.stage('validate', validation?.source.count ?? null);
  const baseline =
    validation === null
      ? null
      : await measureBaseline(float, validation, workers, {
          onSample: (done) => clock.progress(done, 'float model'),
        });

  const settings: Settings = [];
  let layers: OverflowSummary['layers'] = [];
  for (const fix of FIXES) {
    const { quantization } = await make({
      advanced_parameters: { overflow_fix: fix, backend_params: { target_isa: target } },
    });

    const measured = await measureFix(quantization, { ...inputs, validation }, baseline, fix);
    settings.push(measured.setting);
    if (fix === overflow.fix) layers = measured.layers;
  }

  return { layers, settings, metric: validation?.metric.name ?? null };
}

async function measureFix(
  quantization: Quantization,
  { validation, statistics, workers, clock }: Inputs,
  baseline: Baseline | null,
  fix: OverflowFix,
): Promise<{ setting: Settings[number]; layers: OverflowSummary['layers'] }> {
  const { dir } = quantization.prepared;
  const model = buildModel(quantization, new Set());
  const bytes = encodeModel(model);
  const optimized = await optimizedModel(bytes, { dir });
  const kernels = kernelsOf(bytes, optimized);
  const samples = calibrationFeeds(statistics.source, statistics.samples);
  const saturation = await observeSaturation(optimized, kernels, samples, { workers, dir });
  const bodyKernels = await kernelsOfBodies(quantization, new Set());
  const layers = overflowLayers(quantization, new Set(), kernels, saturation, bodyKernels);
  const count = (test: (layer: (typeof layers)[number]) => boolean) => layers.filter(test).length;
  const setting = {
    fix,
    half_range: count((layer) => layer.half_range),
    at_risk: count((layer) => layer.pairs_at_risk > 0),
    saturating: count((layer) => (layer.saturating_fraction_calibration ?? 0) > 0),
  };

  if (validation === null || baseline === null) {
    return { setting: { ...setting, metric: null, predicted: null }, layers };
  }

  const total = validation.source.count;
  clock.stage('measure', 2 * total);
  const exact = await measureModel(model, firstIndices(total), {
    ...{ workers, validation, baseline, prepared: quantization.prepared },
    ...sessionOptions(quantization),
    onSample: (done) => clock.progress(done, fix),
  });
  const predicted = await predictSaturated(
    optimized,
    validation,
    { baseline, exact },
    {
      ...{ workers, dir },
      onSample: (done) => clock.progress(total + done, `${fix}, as on a CPU without VNNI`),
    },
  );

  return { setting: { ...setting, metric: exact.value, predicted: predicted?.value ?? null }, layers };
}

/** Puts the settings into the report of the same config, where there is one: the editor shows them from there. */
export function addSettings(paths: RunPaths, configSha256: string, settings: Settings): Promise<void> {
  return editReport(paths, (text) => {
    const report = JSON.parse(text) as QuantizationReport;
    if (report.config.sha256 !== configSha256) return null;
    const overflow = { ...report.overflow, settings };
    return `${JSON.stringify({ ...report, overflow }, null, 2)}\n`;
  });
}
