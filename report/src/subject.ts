import { distrustOf, tableOf, type QuantizationReport } from '@quantsmith/schemas';
import { layerState, weightText } from './layers.js';

/** One side of a comparison: a report, or the structure of a model; what is not known is null. */
export interface Subject {
  readonly path: string;
  readonly bytes: number;
  readonly metric: {
    readonly name: string;
    readonly higher_is_better: boolean;
    readonly samples: number;
    readonly value: number;
    readonly baseline: number;
    /** null: undefined. */
    readonly drop: number | null;
    readonly drop_type: 'absolute' | 'relative';
    /** 95 % confidence interval of the drop; null: undefined. */
    readonly ci95: readonly number[] | null;
    readonly satisfied: boolean | null;
    /** Whether the report itself says that its figures are not to be trusted. */
    readonly distrusted: boolean;
  } | null;
  /** Numbers of the samples that flipped against the float model, right only there and right only here; null: not known. */
  readonly flipped: { readonly lost: readonly number[]; readonly gained: readonly number[] } | null;
  /** Error of each sample, of metrics without right and wrong answers; null: not known. */
  readonly sample_errors: readonly number[] | null;
  readonly latency_ms: number | null;
  /** 10th and 90th percentile of the latency; null: not known. */
  readonly latency_spread_ms: readonly [number, number] | null;
  /** Hashes and names that tell whether figures of two subjects were measured alike. */
  readonly measured_on: {
    readonly model: string;
    readonly validation: string | null;
    readonly cpu: string;
    readonly threads: number;
  } | null;
  /** Nodes by operator: as the runtime executes them, or as they stand in the file. */
  readonly operators: { readonly of: 'runtime' | 'file'; readonly counts: Readonly<Record<string, number>> };
  readonly layers: readonly SubjectLayer[];
}

export interface SubjectLayer {
  readonly name: string;
  readonly op: string;
  readonly quantized: boolean;
  /** How it computes, in words. */
  readonly state: string;
  /** Its quantized weights in words; empty: none, or not known. */
  readonly weights: string;
  readonly sqnr_db: number | null;
}

/** What of a model's structure a comparison needs; the engine's summary of a file has it. */
export interface ModelStructure {
  readonly path: string;
  readonly fileBytes: number;
  readonly nodes: readonly {
    readonly name: string;
    readonly op: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  }[];
}

/** The quantized model that a report describes. */
export function subjectOfReport(path: string, report: QuantizationReport): Subject {
  const { metric, runtime, data } = report;
  return {
    path,
    bytes: report.size.quantized_bytes,
    metric:
      metric === null
        ? null
        : {
            name: metric.name,
            higher_is_better: metric.higher_is_better,
            samples: metric.samples,
            value: metric.quantized,
            baseline: metric.baseline,
            drop: metric.drop,
            drop_type: metric.drop_type,
            ci95: metric.ci95,
            satisfied: metric.satisfied,
            distrusted: distrustOf(report) !== null,
          },
    flipped: flippedOf(report),
    sample_errors: metric?.sample_errors ?? null,
    latency_ms: report.latency_ms?.quantized_median ?? null,
    latency_spread_ms: spreadOf(report.latency_ms?.quantized_p10, report.latency_ms?.quantized_p90),
    measured_on: {
      model: report.model.sha256,
      validation: data.validation?.sha256 ?? null,
      cpu: runtime.cpu.model,
      threads: runtime.threads,
    },
    operators: { of: 'runtime', counts: report.kernels.by_op },
    layers: report.layers.map((layer) => ({
      name: layer.name,
      op: layer.op,
      quantized: layer.quantized,
      state: layerState(layer),
      weights: weightText(layer.weight),
      sqnr_db: layer.sqnr_db,
    })),
  };
}

function flippedOf({ answers }: QuantizationReport): Subject['flipped'] {
  const { lost_samples: lost, gained_samples: gained } = answers ?? {};
  return lost === undefined || gained === undefined ? null : { lost, gained };
}

/** The float model of a report, with what the report measured of it. */
export function withBaseline(float: Subject, report: QuantizationReport): Subject {
  const { metric, latency_ms: latency, measured_on, flipped } = subjectOfReport(float.path, report);
  return {
    ...float,
    metric:
      metric === null ? null : { ...metric, value: metric.baseline, drop: 0, ci95: null, satisfied: null },
    flipped: flipped === null ? null : { lost: [], gained: [] },
    latency_ms: latency === null ? null : (report.latency_ms?.float_median ?? null),
    latency_spread_ms: spreadOf(report.latency_ms?.float_p10, report.latency_ms?.float_p90),
    measured_on,
  };
}

const spreadOf = (low: number | undefined, high: number | undefined) =>
  low === undefined || high === undefined ? null : ([low, high] as const);

/** Operators with weights, and what quantized forms of them are called: by name, since views of a report know no models. */
const LINEAR = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);
const INTEGER = /^(QLinear\w+|QGemm|QAttention|MatMulInteger\w*|ConvInteger|DynamicQuantizeMatMul)$/;

/** A model as its file shows it: layers are operators with weights and whatever is quantized. */
export function subjectOfModel({ path, fileBytes, nodes }: ModelStructure): Subject {
  const counts = tableOf<number>();
  for (const { op } of nodes) counts[op] = (counts[op] ?? 0) + 1;
  const dequantized = new Set(nodes.flatMap((node) => (node.op === 'DequantizeLinear' ? node.outputs : [])));
  const requantized = new Set(nodes.flatMap((node) => (node.op === 'QuantizeLinear' ? node.inputs : [])));
  const layers = nodes.flatMap((node): SubjectLayer[] => {
    if (node.op === 'QuantizeLinear' || node.op === 'DequantizeLinear') return [];
    const layer = { name: node.name, op: node.op, weights: '', sqnr_db: null };
    const [data = false, weight = false] = node.inputs.map((tensor) => dequantized.has(tensor));
    if (INTEGER.test(node.op)) {
      // ONNX Runtime's quantizer makes `conv_quant`, a QLinearConv, of `conv`, a Conv.
      const name = node.name.replace(/_quant$/, '');
      const op = node.op.replace(/^QLinear|^Q(?=Gemm|Attention)|Integer\w*$/, '');
      return [{ name, op, quantized: true, state: node.op, weights: '', sqnr_db: null }];
    }

    if (LINEAR.has(node.op)) {
      const state = data && weight ? 'quantized' : weight ? 'float, quantized weights' : 'float';
      return [{ ...layer, quantized: data && weight, state }];
    }

    // Other operators compute on integers between a DequantizeLinear and a QuantizeLinear.
    const between = data && node.outputs.some((tensor) => requantized.has(tensor));

    return between ? [{ ...layer, quantized: true, state: 'quantized' }] : [];
  });

  return {
    path,
    bytes: fileBytes,
    metric: null,
    flipped: null,
    sample_errors: null,
    latency_ms: null,
    latency_spread_ms: null,
    measured_on: null,
    operators: { of: 'file', counts },
    layers,
  };
}
