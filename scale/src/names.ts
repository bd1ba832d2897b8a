import { createHash } from 'node:crypto';
import type { TestedProcessor } from '@quantsmith/schemas';

/**
 * The queue of a processor: only workers whose versions, instruction sets and threads are the same, and whose canary came to the
 * same bits, share one. Those that may run modules have one more.
 */
export function queueName({ processor, canary }: TestedProcessor, modules: boolean): string {
  const { protocol, tool, runtime, arch, isa, threads } = processor;
  const facts = JSON.stringify([protocol, tool, runtime, arch, isa, threads, canary.sha256]);
  const key = createHash('sha256').update(facts).digest('hex').slice(0, 24);
  return `quantsmith-${key}${modules ? '-modules' : ''}`;
}

/** Where a worker tells of itself. */
export const workerKey = (id: string) => `quantsmith:worker:${id}`;
export const EVERY_WORKER = workerKey('*');
/** Where a worker finds why it is refused. */
export const refusalKey = (id: string) => `quantsmith:refused:${id}`;

/** A worker that has said nothing for so long is gone. */
export const WORKER_SECONDS = 12;
export const HEARTBEAT_MS = 3000;

/** What a worker tells of itself. */
export interface WorkerFacts {
  /** "host, process 123". */
  readonly name: string;
  readonly tested: TestedProcessor;
  readonly modules: boolean;
}
