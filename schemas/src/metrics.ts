/** What the right answer of a sample must be. */
export type LabelKind = 'class' | 'boxes' | 'mask' | 'tokens' | 'text' | 'score';

/** What everybody who names, checks or prints a metric needs to know of it. */
export interface MetricFacts {
  readonly higherIsBetter: boolean;
  /** null: it compares with the float model's outputs, and needs no labels. */
  readonly labels: LabelKind | null;
  /** A share from 0 to 1, printed in percent. */
  readonly share: boolean;
  /** Of metrics without labels: what the float model itself has. */
  readonly perfect: number | null;
}

const labelled = (labels: LabelKind, direction: 'up' | 'down' = 'up', share = true): MetricFacts => ({
  higherIsBetter: direction === 'up',
  labels,
  share,
  perfect: null,
});

const likeFloat = (perfect: number, direction: 'up' | 'down', share = false): MetricFacts => ({
  higherIsBetter: direction === 'up',
  labels: null,
  share,
  perfect,
});

/** The SQNR and PSNR of outputs that are equal, where the ratio is infinite. */
export const EQUAL_SQNR_DB = 200;

/** The metrics by name, in the order of the schema's list. */
export const METRICS = {
  top1: labelled('class'),
  top5: labelled('class'),
  f1: labelled('class'),
  f1_micro: labelled('class'),
  f1_binary: labelled('class'),
  map: labelled('boxes'),
  map50: labelled('boxes'),
  miou: labelled('mask'),
  pixel_accuracy: labelled('mask'),
  token_f1: labelled('tokens'),
  perplexity: labelled('tokens', 'down', false),
  spearman: labelled('score', 'up', false),
  wer: labelled('text', 'down'),
  cer: labelled('text', 'down'),
  agreement: likeFloat(1, 'up', true),
  cosine: likeFloat(1, 'up'),
  sqnr: likeFloat(EQUAL_SQNR_DB, 'up'),
  psnr: likeFloat(EQUAL_SQNR_DB, 'up'),
  mse: likeFloat(0, 'down'),
  mae: likeFloat(0, 'down'),
} as const satisfies Record<string, MetricFacts>;

export type MetricName = keyof typeof METRICS;

export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

/** The facts of a built-in metric; undefined for modules and names that there are none of. */
export function metricFacts(name: string): MetricFacts | undefined {
  return Object.hasOwn(METRICS, name) ? METRICS[name as MetricName] : undefined;
}
