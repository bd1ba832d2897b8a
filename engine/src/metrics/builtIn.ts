import type { MetricName } from '@quantsmith/schemas';
import { agreement } from './agreement.js';
import { averagePrecision, COCO } from './averagePrecision.js';
import { cosine, mae, mse, psnr, sqnr } from './difference.js';
import { cer, wer } from './errorRate.js';
import { f1Binary, f1Macro, f1Micro } from './f1.js';
import type { Metric } from './metric.js';
import { perplexity } from './perplexity.js';
import { meanIou, pixelAccuracy } from './segmentation.js';
import { spearman } from './spearman.js';
import { tokenF1 } from './tokenF1.js';
import { topK } from './topK.js';

/** Every metric that a config can name. */
export const BUILT_IN: Readonly<Record<MetricName, Metric>> = {
  top1: topK('top1', 1),
  top5: topK('top5', 5),
  f1: f1Macro,
  f1_micro: f1Micro,
  f1_binary: f1Binary,
  map: averagePrecision('map', COCO),
  map50: averagePrecision('map50', { ...COCO, thresholds: [0.5] }),
  miou: meanIou,
  pixel_accuracy: pixelAccuracy,
  token_f1: tokenF1,
  perplexity,
  spearman,
  wer,
  cer,
  agreement,
  cosine,
  sqnr,
  psnr,
  mse,
  mae,
};
