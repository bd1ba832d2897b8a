/** The statistic that one sample gives for one side of the range. */
export type StatisticsType = 'min' | 'max' | 'abs_max' | 'quantile' | 'abs_quantile' | 'mean';
/** How the statistics of the samples are combined into one value. */
export type AggregatorType =
  'mean' | 'max' | 'min' | 'median' | 'mean_no_outliers' | 'median_no_outliers' | 'histogram';

/** One side of a range estimator; the fields are those of the config. */
export interface SideEstimator {
  readonly statistics_type: StatisticsType;
  readonly aggregator_type: AggregatorType;
  /** Values beyond it are cut before the statistic is taken: a lower bound for `min`, an upper one for `max`. */
  readonly clipping_value: number | null;
  /** Share of the values beyond the quantile; one value serves quantile statistics and no_outliers aggregators. */
  readonly quantile_outlier_prob: number;
}

export interface RangeEstimator {
  readonly min: SideEstimator;
  readonly max: SideEstimator;
}

/** What a side really collects: in symmetric mode the upper side looks at absolute values. */
export function effectiveStatistic(
  side: 'min' | 'max',
  estimator: SideEstimator,
  symmetric: boolean,
): StatisticsType {
  const type = estimator.statistics_type;
  if (side === 'min' || !symmetric) return type;
  if (type === 'max' || type === 'min') return 'abs_max';
  return type === 'quantile' ? 'abs_quantile' : type;
}
