/**
 * Types for the modules that a config can name: `data.*.loader` and `accuracy_control.metric`. They run only where modules are
 * allowed.
 */
export type {
  AccumulatedMetric,
  AveragedMetric,
  Helpers,
  Label,
  ListedSamples,
  LoadedSample,
  LoadedSamples,
  LoadedTensor,
  Loader,
  LoaderInfo,
  MetricModule,
  MetricTensors,
  SampleInfo,
  TaskInfo,
  Tokenizer,
  Tokens,
  Tensors,
} from '@quantsmith/engine';
