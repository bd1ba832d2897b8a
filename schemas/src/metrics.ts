/** What the right answer of a sample must be. */
export type LabelKind = 'class' | 'boxes' | 'mask' | 'tokens' | 'text' | 'score';

/** What everybody who names, checks or prints a metric needs to know of it. */
export interface MetricFacts {
  /** What the config's schema says of it. */
  readonly description: string;
  readonly higherIsBetter: boolean;
  /** null: it compares with the float model's outputs, and needs no labels. */
  readonly labels: LabelKind | null;
  /** A share from 0 to 1, printed in percent. */
  readonly share: boolean;
  /** Of metrics without labels: what the float model itself has. */
  readonly perfect: number | null;
  /** What guessing reaches, to tell a float model that only guesses; or why there is no such value. */
  readonly guessing: string | { readonly none: string };
}

const labelled = (
  labels: LabelKind,
  description: string,
  guessing: string,
  direction: 'up' | 'down' = 'up',
  share = true,
): MetricFacts => ({
  description,
  higherIsBetter: direction === 'up',
  labels,
  share,
  perfect: null,
  guessing,
});

const likeFloat = (
  perfect: number,
  description: string,
  direction: 'up' | 'down',
  share = false,
): MetricFacts => ({
  description,
  higherIsBetter: direction === 'up',
  labels: null,
  share,
  perfect,
  guessing: { none: 'it compares with the float model, which has the best value by definition' },
});

/** The SQNR and PSNR of outputs that are equal, where the ratio is infinite. */
export const EQUAL_SQNR_DB = 200;

/** The metrics by name; the config's schema has its list from here, in this order. */
export const METRICS = {
  top1: labelled('class', 'share of samples whose largest output is the label', '1 of the classes'),
  top5: labelled(
    'class',
    'share of samples whose label is among the five largest outputs',
    '5 of the classes',
  ),
  f1: labelled(
    'class',
    'F1 of the largest output, averaged over the classes that occur',
    'as many right answers as 1 of the classes',
  ),
  f1_micro: labelled('class', 'F1 of the largest output over all samples together', '1 of the classes'),
  f1_binary: labelled(
    'class',
    'F1 of class 1 against class 0',
    'nothing found, or half of the answers right',
  ),
  map: labelled(
    'boxes',
    'mean average precision of detections as COCO defines it: IoU 0.50 to 0.95, all areas, at most 100 detections per image',
    '0',
  ),
  map50: labelled('boxes', 'average precision of detections at IoU 0.50, as COCO defines it', '0'),
  miou: labelled(
    'mask',
    'mean over the classes of intersection over union of a segmentation; pixels labelled 255 are left out',
    'the agreement of the same classes in random places',
  ),
  pixel_accuracy: labelled(
    'mask',
    "share of a segmentation's pixels that have the right class; pixels labelled 255 are left out",
    'the agreement of the same classes in random places',
  ),
  token_f1: labelled(
    'tokens',
    'F1 over the tokens of all samples together; class 0 (no entity) and negative labels are left out',
    'the hits of as many entities in random places',
  ),
  perplexity: labelled(
    'tokens',
    'exp of the mean negative log-likelihood of the next token (lower is better)',
    'the size of the vocabulary',
    'down',
    false,
  ),
  spearman: labelled(
    'score',
    'rank correlation of the cosine similarity of pairs with their labelled scores',
    '0',
    'up',
    false,
  ),
  wer: labelled(
    'text',
    'word error rate of a CTC output, decoded greedily (lower is better)',
    '100 %, what no text at all has',
    'down',
  ),
  cer: labelled(
    'text',
    'character error rate of a CTC output, decoded greedily (lower is better)',
    '100 %, what no text at all has',
    'down',
  ),
  agreement: likeFloat(
    1,
    "share of positions whose largest output is the float model's; no labels needed",
    'up',
    true,
  ),
  cosine: likeFloat(1, "cosine similarity with the float model's outputs", 'up'),
  sqnr: likeFloat(
    EQUAL_SQNR_DB,
    'signal-to-quantization-noise ratio of the outputs in dB; the float model itself counts as 200',
    'up',
  ),
  psnr: likeFloat(
    EQUAL_SQNR_DB,
    'peak signal-to-noise ratio of the outputs in dB; the peak is the range of the float outputs',
    'up',
  ),
  mse: likeFloat(0, "mean squared difference from the float model's outputs (lower is better)", 'down'),
  mae: likeFloat(0, "mean absolute difference from the float model's outputs (lower is better)", 'down'),
} as const satisfies Record<string, MetricFacts>;

export type MetricName = keyof typeof METRICS;

export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

/** The facts of a built-in metric; undefined for modules and names that there are none of. */
export function metricFacts(name: string): MetricFacts | undefined {
  return Object.hasOwn(METRICS, name) ? METRICS[name as MetricName] : undefined;
}

/** What is measured where a config has labels and says no more; `task`: its `task.type`. */
export function defaultMetric(task: string | null): MetricName {
  return DEFAULT_METRICS.get(task) ?? 'top1';
}

const DEFAULT_METRICS: ReadonlyMap<string | null, MetricName> = new Map([
  ['detection', 'map'],
  ['segmentation', 'miou'],
  ['embedding', 'spearman'],
  ['ctc', 'cer'],
  ['language_model', 'perplexity'],
]);
