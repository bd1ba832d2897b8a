import { append, smallest, type SensitivityReport } from '@quantsmith/schemas';
import type { Calibration } from '../calibration/calibration.js';
import { firstIndices } from '../data/source.js';
import type { Sample } from '../data/types.js';
import { readFloats, withOutputs, type ModelProto } from '@quantsmith/model/onnx';
import { buildModel, type Quantization, sessionOptions, reversible } from '../quantize/quantization.js';
import type { QuantizerParameters } from '../ranges/parameters.js';
import type { Clock } from '../progress/clock.js';
import { layerSqnr } from '../measure/sqnr.js';
import type { Feeds } from '../runtime/batch.js';
import { oneAtATime } from '../runtime/oneAtATime.js';
import type { Workers } from '../runtime/workers.js';
import { measureModel } from '../validation/measureModel.js';
import { dropOf, measureBaseline, type Baseline, type Validation } from '../validation/validation.js';
import { dequantize } from '../weights/quantize.js';
import { operatorsServed } from '../placement/revert.js';

const NOISE_SAMPLES = 8;

type LayerSensitivity = SensitivityReport['layers'][number];

/** Quantizes each group of operators alone and measures it. Nothing is written. */
export async function measureSensitivity(
  quantization: Quantization,
  validation: Validation | null,
  calibration: Calibration,
  { workers, clock }: { workers: Workers; clock: Clock },
): Promise<SensitivityReport> {
  const groups = reversible(quantization);
  const samples = await Promise.all(
    firstIndices(Math.min(NOISE_SAMPLES, calibration.samples)).map((index) => calibration.source.get(index)),
  );

  const activations = await activationNoise(quantization, samples, workers);
  clock.stage('validate', validation?.source.count ?? null);
  const baseline =
    validation === null
      ? null
      : await measureBaseline(quantization.prepared, validation, workers, {
          onSample: (done) => clock.progress(done),
        });

  clock.stage('rank', groups.length);
  const measured = validation === null || baseline === null ? null : { validation, baseline };
  const turn = oneAtATime();
  let done = 0;
  const sensitivityOf = async (operators: readonly string[]): Promise<LayerSensitivity> => {
    const others = new Set(groups.flat().filter((name) => !operators.includes(name)));
    const alone = buildModel(quantization, others);
    const layer = {
      operators: [...operators],
      op: quantization.prepared.graph.node(operators[0]!)?.opType ?? '',
      weight_sqnr_db: weightNoise(quantization, operators),
      inputs: activations(operators),
      ...(await measureAlone(quantization, alone, samples, measured, { workers, turn })),
    };
    clock.progress(++done, operators.join(', '));
    return layer;
  };

  const layers: LayerSensitivity[] = [];
  // One after the other, but where others measure some at the same time.
  const width = validation?.spread?.width ?? 1;
  for (let start = 0; start < groups.length; start += width)
    append(layers, await Promise.all(groups.slice(start, start + width).map(sensitivityOf)));

  const error = (layer: LayerSensitivity) => layer.output_sqnr_db ?? Number.MAX_VALUE;

  return {
    schema_version: 1,
    samples: samples.length,
    metric:
      validation === null || baseline === null
        ? null
        : { name: validation.metric.name, samples: validation.source.count, float: baseline.value },
    layers: layers.sort((a, b) => (b.drop ?? 0) - (a.drop ?? 0) || error(a) - error(b)),
  };
}

/** The outputs and the metric of a model with one group of operators quantized. */
async function measureAlone(
  quantization: Quantization,
  alone: ModelProto,
  samples: readonly { readonly feeds: Feeds }[],
  measured: { readonly validation: Validation; readonly baseline: Baseline } | null,
  { workers, turn }: { readonly workers: Workers; readonly turn: ReturnType<typeof oneAtATime> },
): Promise<Pick<LayerSensitivity, 'output_sqnr_db' | 'metric' | 'drop'>> {
  const { graph, dir, model } = quantization.prepared;
  const options = sessionOptions(quantization);
  const feeds = samples.map((sample) => sample.feeds);
  const compare = () =>
    layerSqnr({ model, graph }, alone, graph.outputs, feeds, {
      ...{ threads: workers.threads, dir },
      quantized: options,
    });

  if (measured === null) return { output_sqnr_db: lowest(await compare()), metric: null, drop: null };
  const { validation, baseline } = measured;
  const evaluate = () =>
    measureModel(alone, firstIndices(validation.source.count), {
      ...{ workers, validation, baseline, prepared: quantization.prepared },
      ...options,
    });
  // What others measure is waited for when outputs have been compared; those of one model after the other: they take memory.
  const evaluating = validation.spread === undefined ? null : evaluate();
  evaluating?.catch(() => undefined);
  const output_sqnr_db = lowest(await turn(compare));
  const evaluation = await (evaluating ?? evaluate());

  return { output_sqnr_db, metric: evaluation.value, drop: dropOf(validation, baseline, evaluation) };
}

interface Noise {
  signal: number;
  noise: number;
}

const decibels = ({ signal, noise }: Noise): number | null =>
  noise === 0 ? null : 10 * Math.log10(signal / noise);

function lowest(byOutput: ReadonlyMap<string, number | null>): number | null {
  const finite = [...byOutput.values()].filter(
    (value): value is number => value !== null && Number.isFinite(value),
  );
  return finite.length === 0 ? null : smallest(finite);
}

/** Signal over noise in dB of all weights that the operators read together; null: nothing is lost. */
export function weightNoise({ prepared, placement, weights }: Quantization, operators: readonly string[]) {
  const sums: Noise = { signal: 0, noise: 0 };
  for (const quantizer of placement.weights) {
    if (!quantizer.targets.some((port) => operators.includes(port.node))) continue;
    const tensor = prepared.graph.initializer(quantizer.tensor)!;
    const float = readFloats(tensor, prepared.dir);
    const rounded = dequantize(weights.get(quantizer.id)!, tensor.dims.map(Number), quantizer.axis);
    float.forEach((value, i) => {
      sums.signal += value * value;
      sums.noise += (value - rounded[i]!) ** 2;
    });
  }

  return decibels(sums);
}

/** The noise of every activation quantizer on the float model's tensors, to be asked for by operators. */
async function activationNoise(
  { prepared, placement, activations }: Quantization,
  samples: readonly Sample[],
  workers: Workers,
): Promise<(operators: readonly string[]) => LayerSensitivity['inputs']> {
  const quantizers = placement.activations.filter(({ id }) => activations.has(id));
  const tensors = [...new Set(quantizers.map(({ tensor }) => tensor))];
  const computed = tensors.filter((tensor) => !prepared.graph.inputs.includes(tensor));
  const runner = await workers.open(withOutputs(prepared.model, computed), { dir: prepared.dir });
  const sums = new Map<string, Noise>(quantizers.map(({ id }) => [id, { signal: 0, noise: 0 }]));
  try {
    for await (const [{ feeds }, results] of runner.run(samples, computed)) {
      const values = { ...feeds, ...results };
      for (const { id, tensor } of quantizers) {
        const { data, dims } = values[tensor]!;
        if (data instanceof Float32Array) addNoise(sums.get(id)!, data, dims, activations.get(id)!);
      }
    }
  } finally {
    await runner.release();
  }

  const served = operatorsServed(prepared.graph, placement);

  return (operators) =>
    quantizers
      .filter(({ id }) => operators.some((name) => served.get(id)?.has(name)))
      .map(({ id, tensor }) => ({ tensor, sqnr_db: decibels(sums.get(id)!) }));
}

function addNoise(
  sum: Noise,
  values: Float32Array,
  dims: readonly number[],
  parameters: QuantizerParameters,
): void {
  const { scale, zeroPoint, codeLow, codeHigh } = parameters;
  // Per-channel activations have their channels on axis 1.
  const inner = dims.slice(2).reduce((product, size) => product * size, 1);
  for (let i = 0; i < values.length; i++) {
    const channel = scale.length === 1 ? 0 : Math.floor(i / inner) % scale.length;
    const code = Math.round(values[i]! / scale[channel]!) + zeroPoint[channel]!;
    const rounded = (Math.min(codeHigh, Math.max(codeLow, code)) - zeroPoint[channel]!) * scale[channel]!;
    sum.signal += values[i]! ** 2;
    sum.noise += (values[i]! - rounded) ** 2;
  }
}
