import type { ModelProto } from '@quantsmith/model/onnx';
import { loaded as loadedModel } from '../../test/kit/models.js';
import type { Sample, SampleSource } from '../src/data/types.js';
import { prepareModel } from '../src/prepare/prepare.js';
import { startClock } from '../src/progress/clock.js';
import { quantizationInputs, type QuantizationInputs } from '../src/run/make.js';
import { cpuFeatures, type CpuFeatures } from '../src/runtime/cpu.js';
import { oneWorker, type Workers } from '../src/runtime/workers.js';
import { createPool } from '../src/statistics/pool.js';

/** Samples without labels. */
export const sourceOf = (count: number, sampleAt: (index: number) => Sample): SampleSource => ({
  count,
  hasLabels: false,
  get: (index) => Promise.resolve(sampleAt(index)),
  fingerprint: () => Promise.resolve(''),
});

/** What quantizations of a model are made from, with nothing of a run around them. Default: one worker, and this CPU. */
export async function inputsOf(
  network: ModelProto,
  source: SampleSource,
  { workers = oneWorker(1), cpu }: { readonly workers?: Workers; readonly cpu?: CpuFeatures } = {},
): Promise<QuantizationInputs> {
  const quiet = () => undefined;
  const loaded = loadedModel(network);
  return quantizationInputs({
    float: await prepareModel(loaded),
    statistics: {
      ...{ loaded, source, samples: source.count, workers, cache: null, pool: createPool() },
      ...{ onSample: quiet, warn: quiet },
    },
    ...{ workers, clock: startClock(quiet), cpu: cpu ?? (await cpuFeatures()) },
  });
}
