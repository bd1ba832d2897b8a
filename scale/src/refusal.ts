import { processorText, type TestedProcessor } from '@quantsmith/schemas';
import type { WorkerFacts } from './names.js';

/**
 * Why a worker gets none of a run's work; null: it does. A worker is refused where it claims to be the same processor and computes
 * otherwise; one of another processor is only kept apart.
 */
export function whyNotUsed(
  worker: WorkerFacts,
  run: TestedProcessor,
): { readonly text: string; readonly isRefused: boolean } | null {
  const { processor, canary } = worker.tested;
  const isSame = JSON.stringify(key(processor)) === JSON.stringify(key(run.processor));
  if (!isSame) {
    const text = `The worker ${worker.name} runs on another kind of processor (${processorText(processor)}; this run needs ${processorText(run.processor)}): it gets no work from this run.`;
    return { text, isRefused: false };
  }

  if (canary.sha256 === run.canary.sha256) return null;
  const differing = run.canary.values.flatMap((value, index) =>
    value === canary.values[index] ? [] : [{ index, wanted: value, got: canary.values[index] }],
  );
  const [first] = differing;
  const figures =
    first === undefined
      ? 'the bits of its results differ'
      : `${differing.length} of ${run.canary.values.length} results differ, the first (${first.index}) is ${first.got} instead of ${first.wanted}`;

  return {
    text: `The worker ${worker.name} claims to be ${processorText(processor)}, but computes differently: ${figures}. It is refused.`,
    isRefused: true,
  };
}

const key = ({ protocol, tool, runtime, arch, isa, threads }: TestedProcessor['processor']) => [
  ...[protocol, tool, runtime, arch, threads],
  isa,
];
