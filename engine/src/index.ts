/** The engine's one door. A program that must survive a crash of the runtime uses `startEngine`. */
export { dataContent } from './data/dataContent.js';
export { classNames } from './data/labels/classFolders.js';
export { readWavHeader } from './data/audio/wav.js';
export { judgeTexts, tokenizerProblem } from './data/judgeTexts.js';
export { judgeLabels, yoloProblem, type LabelSubject, type LabelVerdict } from './data/labels/judge.js';
export type { Label } from './data/labels/label.js';
export { EMULATED_CPUS, findEmulator, type EmulatedCpu, type Emulator } from './emulator.js';
export { outputFacts, type OutputFacts } from './output/facts.js';
export { outputObstacle } from './output/obstacle.js';
export { recoverFolder } from './output/recover.js';
export {
  engineSeries,
  startEngine,
  type EngineOptions,
  type EngineOutcome,
  type EngineSeries,
} from './spawn.js';
export type {
  AccumulatedMetric,
  AveragedMetric,
  Helpers,
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
  Tensors,
} from './data/modules/contract.js';
export { tensorFolder, type TensorFolder } from './data/tensors.js';
export type { Tokenizer, Tokens } from './data/tokenizer.js';
export { plan, type Plan } from './plan/plan.js';
export { defaultCache } from './cache/defaultCache.js';
export { isCacheEntry } from './cache/entries.js';
