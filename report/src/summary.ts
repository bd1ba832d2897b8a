import {
  distrustOf,
  metricFacts,
  undefinedDropText,
  type QuantizationReport,
  sqnrText,
  rounded,
} from '@quantsmith/schemas';
import { changedText } from './answers.js';
import { objectiveText } from './objective.js';
import { names, type Facts, type Span, type Text } from './document.js';
import {
  allowanceText,
  changeText,
  bytes,
  counted,
  dropValue,
  duration,
  metricValue,
  sizeChange,
  speedChange,
} from './figures.js';

type Row = Facts['rows'][number];
type Metric = NonNullable<QuantizationReport['metric']>;

/** Outputs in the summary; the report has them all. */
const MAX_OUTPUTS = 4;

/** The figures that decide: accuracy, restoration, size, latency, what the run took. */
export function summaryFacts(report: QuantizationReport): Facts {
  const rows = [
    ...distrustRows(report),
    ...metricRows(report),
    ...objectiveRows(report),
    ...answerRows(report),
    ...outputRows(report),
    ...overflowRows(report),
    ...operatorRows(report),
    ...sizeRows(report),
  ];

  return { kind: 'facts', caption: 'Result', rows };
}

/** What makes every figure below it worthless stands above them all. */
function distrustRows(report: QuantizationReport): Row[] {
  const reason = distrustOf(report);
  return reason === null ? [] : [['not trustworthy', { text: reason, tone: 'bad' }]];
}

function objectiveRows({ objective }: QuantizationReport): Row[] {
  return objective === null ? [] : [['objective', objectiveText(objective)]];
}

function metricRows(report: QuantizationReport): Row[] {
  const { metric } = report;
  if (metric === null) return [];
  const { name } = metric;
  const before: Row[] =
    metric.quantized_initial === metric.quantized
      ? []
      : [[`${name}, int8 before restoration`, metricValue(name, metric.quantized_initial)]];

  // The float model compared with itself is no figure, and a distance from it no drop.
  if (metricFacts(name)?.perfect === metric.baseline) {
    const value = `${metricValue(name, metric.quantized)} on ${counted(metric.samples, 'sample')}`;
    return [...before, [`${name} against float`, value], ...targetRows(metric, distrustOf(report) !== null)];
  }

  return [
    [`${name}, float`, `${metricValue(name, metric.baseline)} on ${counted(metric.samples, 'sample')}`],
    ...before,
    [`${name}, int8`, metricValue(name, metric.quantized)],
    ['drop', dropText(metric, distrustOf(report) !== null)],
  ];
}

/** Which answers changed, where the metric counts answers. */
function answerRows({ answers }: QuantizationReport): Row[] {
  return answers === null || answers === undefined || answers.changed === null
    ? []
    : [['answers', changedText(answers)]];
}

/** What a distance from the float model was to be, and whether it is; empty where nothing was asked for. */
function targetRows(metric: Metric, isDistrusted: boolean): Row[] {
  const { name, target, max_drop: allowed, higher_is_better: higherIsBetter } = metric;
  if (allowed === null) return [];
  if (target === null || target === undefined) return [['drop', dropText(metric, isDistrusted)]];
  const bound = `${higherIsBetter ? 'at least' : 'at most'} ${metricValue(name, target)}, `;
  return [['target', [bound, verdictOf(metric, isDistrusted)]]];
}

/** The drop with what is allowed, the verdict, and how sure it is. */
function dropText(metric: Metric, isDistrusted: boolean): Text {
  const { max_drop: bound } = metric;
  const allowed = bound === null ? '' : `${bound < 0 ? ',' : ' of'} ${allowanceText(metric, bound)}`;
  const verdict: Span[] = metric.satisfied === null ? [] : [', ', verdictOf(metric, isDistrusted)];
  return [
    `${dropValue(metric, metric.drop)}${allowed}`,
    ...verdict,
    { text: ` (${certainty(metric)})`, tone: 'quiet' },
  ];
}

/** How sure a drop is, or why there is none. */
function certainty(metric: Metric): string {
  if (metric.drop === null) return undefinedDropText(metric.name);
  if (metric.ci95 === null) return 'no interval';
  const [low, high] = metric.ci95;
  const doubt = doubtOf(metric, [low, high]);
  const interval = `95 % interval ${dropValue(metric, low)} to ${dropValue(metric, high)}`;
  return doubt === null ? interval : `${interval}: ${doubt}`;
}

/** Whether the target was met, in words. What is not to be trusted is never called good. */
function verdictOf({ satisfied }: Metric, isDistrusted: boolean): Span {
  if (satisfied === false) return { text: 'target missed', tone: 'bad' };
  return isDistrusted ? { text: 'not trustworthy', tone: 'bad' } : { text: 'target met', tone: 'good' };
}

/** How close the outputs come to the float model's, and whether the model was checked. */
function outputRows({ outputs, verified }: QuantizationReport): Row[] {
  if (verified === null) return [];
  const { passed, samples, in_sample: inSample, unfit } = verified;
  const set = inSample ? 'calibration samples (in-sample: unseen ones can be worse)' : 'held-out samples';
  const against = `against float on ${samples} ${set}`;
  const shown = outputs
    .slice(0, MAX_OUTPUTS)
    .map((output): Row => [`output ${output.name}`, `${outputText(output)}, ${against}`]);

  const more = outputs.length - shown.length;
  const rest: Row[] = more <= 0 ? [] : [['', `and ${counted(more, 'output')} more`]];
  const isPartial = verified.operators_compared === false;
  const scope = isPartial ? ', judged by the outputs: not all operators were compared' : '';
  const verdict: Text = passed
    ? `the runtime computes what was intended${scope}`
    : [
        { text: 'not verified', tone: 'bad' },
        ...(unfit.length === 0
          ? []
          : [': other codes than intended in ', ...names(unfit.map(({ name }) => name))]),
      ];

  return [...shown, ...rest, ['self-check', verdict]];
}

function outputText(output: QuantizationReport['outputs'][number]): string {
  const { sqnr_db: noise, sqnr_about_mean_db: aboutMean, cosine, agreement } = output;
  return [
    noise === null ? 'no noise' : sqnrText(noise, aboutMean),
    ...(cosine === null ? [] : [`cosine ${rounded(cosine, 4)}`]),
    ...(agreement === null ? [] : [`largest value agrees in ${(100 * agreement).toFixed(1)} %`]),
  ].join(', ');
}

/** What the samples cannot tell apart; null when they can. */
function doubtOf(
  { satisfied, max_drop: allowed }: Metric,
  [low, high]: readonly [number, number],
): string | null {
  if (satisfied === false && allowed !== null && low <= allowed)
    return 'the excess is within the noise of the samples';
  // Without any width there is no noise: the two models answer alike.
  return low <= 0 && high >= 0 && low < high ? 'the drop is within the noise of the samples' : null;
}

function overflowRows({ overflow: { predicted, layers }, metric }: QuantizationReport): Row[] {
  if (metric === null) return [];
  if (predicted === null) {
    const risky = layers.filter(({ pairs_at_risk: pairs }) => pairs > 0).length;
    return [
      [
        'int8 without VNNI',
        `${counted(risky, 'layer')} can saturate; quantsmith overflow predicts the ${metric.name}`,
      ],
    ];
  }

  const value = metricValue(metric.name, predicted.metric);

  return [
    [`${metric.name}, int8 on ${predicted.isa}`, `${value} predicted, ${changeText(metric, predicted.drop)}`],
  ];
}

function operatorRows({ restoration, layers, kernels }: QuantizationReport): Row[] {
  const quantized = layers.filter((layer) => layer.quantized).length;
  const integer = layers.filter((layer) => layer.kernel !== null).length;
  const rows: Row[] = [
    [
      'operators',
      quantized === 0
        ? `none quantized, ${layers.length} in float: nothing is gained`
        : `${quantized} quantized, ${integer} of them in integer kernels, ${layers.length - quantized} in float; of all in the runtime ${kernels.integer} integer, ${kernels.float} float`,
    ],
  ];

  const fast = layers.filter(({ runs }) => runs === 'faster_in_float');
  if (fast.length > 0)
    rows.push(['in float for speed', names(fast.map(({ name, op }) => `${name} (${op})`))]);
  if (restoration === null) return rows;
  const { reverted, iterations, stop_reason: reason } = restoration;
  const validations = ` (${counted(iterations, 'validation')})`;
  const kept = (restoration.remedies ?? []).filter((remedy) => remedy.kept);
  const settings: Row[] =
    kept.length === 0
      ? []
      : [['settings changed', names(kept.map(({ setting, value }) => `${setting}: ${value}`))]];

  return [
    ...rows,
    ...settings,
    ['restored to float', reverted.length === 0 ? `none${validations}` : [...names(reverted), validations]],
    ['restoration', reason],
  ];
}

/** How far the times lie apart; empty for older runs. */
function spreadText(latency: NonNullable<QuantizationReport['latency_ms']>): string {
  const {
    float_p10: floatLow,
    float_p90: floatHigh,
    quantized_p10: quantizedLow,
    quantized_p90: quantizedHigh,
    busy,
  } = latency;
  if (
    floatLow === undefined ||
    floatHigh === undefined ||
    quantizedLow === undefined ||
    quantizedHigh === undefined
  )
    return '';
  const range = (low: number, high: number) => `${duration(low)} to ${duration(high)}`;
  return `; 10th to 90th percentile ${range(floatLow, floatHigh)} → ${range(quantizedLow, quantizedHigh)}${busy === true ? ', the machine was busy' : ''}`;
}

function sizeRows({
  size,
  latency_ms: latency,
  timings_ms: timings,
  peak_rss_bytes: peak,
}: QuantizationReport): Row[] {
  const speed: Row[] =
    latency === null
      ? []
      : [
          [
            'latency',
            `${duration(latency.float_median)} → ${duration(latency.quantized_median)} (${speedChange(latency.speedup)}, median of ${latency.runs})${spreadText(latency)}`,
          ],
        ];

  return [
    ['size', `${bytes(size.float_bytes)} → ${bytes(size.quantized_bytes)} (${sizeChange(size.ratio)})`],
    ...speed,
    ['time', `${duration(timings.total)}, peak memory ${bytes(peak)}`],
  ];
}
