import { weightBytes, type ModelProto } from '@quantsmith/model/onnx';
import type { EngineEvent, EngineMessage, Problem, SharedWork } from '@quantsmith/schemas';
import { sessionThreads, type Workers } from '../runtime/workers.js';
import type { Spread } from '../validation/spread.js';
import type { Validation, ValidationPlan } from '../validation/validation.js';
import { testProcessor } from './canary.js';
import { missingProblem } from './missing.js';
import { openSpread } from './spread.js';
import { openStore, type Store } from './store.js';
import { keepSubject, needsModules, type Subject } from './subject.js';
import { mergeTransport, shareTransport, type Transport } from './transport.js';
import { thisProcessor } from './unit.js';

/** The way to whoever started this process. */
export interface Channel {
  readonly emit: (event: EngineEvent) => void;
  readonly listen: (hear: (message: EngineMessage) => void) => void;
}

interface SpreadSubject extends Pick<Subject, 'inputs' | 'outputs' | 'modelClasses' | 'baseDir'> {
  readonly plan: ValidationPlan;
  readonly validation: Validation;
  readonly workers: Workers;
  readonly warn: (problems: readonly Problem[]) => void;
  readonly configSha256: string;
}

/** Lets others measure what a run measures. Throws `store-unusable`. */
export async function spreadOver(
  stated: SharedWork,
  channel: Channel,
  { validation, workers, warn, configSha256, ...subject }: SpreadSubject,
): Promise<Spread> {
  const store = await openStore(stated.store);
  const work = await withShares(store, stated, configSha256);
  const threadsFor = (model: ModelProto) => sessionThreads(workers.threads, weightBytes(model));
  const processor = await thisProcessor(1);
  const { plan } = subject;
  let described: Promise<string> | undefined;

  return openSpread({
    store,
    transport: transportOf(work, store, channel, needsModules(plan)),
    subject: () => (described ??= keepSubject(store, validation, subject)),
    processorFor: ({ model }) => ({ ...processor, threads: threadsFor(model) }),
    // A float model that is so much larger that it takes other threads is nothing that one processor could run beside it.
    fits: ({ model, reference }) => reference === null || threadsFor(reference.model) === threadsFor(model),
    warn,
    missing: (offers) => missingProblem(work, offers),
  });
}

/** A merge is told by the store into how many shares the work was split; each share writes that down. */
async function withShares(store: Store, work: SharedWork, configSha256: string): Promise<SharedWork> {
  const key = `shares-${configSha256}`;
  if (work.role === 'share') await store.describe(key, String(work.shares));
  if (work.role !== 'merge') return work;
  const shares = Number(await store.described(key).catch(() => ''));

  return shares > 0 ? { ...work, shares } : work;
}

function transportOf(work: SharedWork, store: Store, channel: Channel, modules: boolean): Transport {
  const { role, share = 1, shares = 1, wait = 0 } = work;
  switch (role) {
    case 'offer':
      return offering(channel, modules);
    case 'share':
      return shareTransport(share - 1, shares, { store, wait });
    case 'merge':
      return mergeTransport;
  }
}

/** More models at once would only take memory. */
const OFFERED_MODELS = 64;

/** Offers units to whoever started this process. */
function offering({ emit, listen }: Channel, modules: boolean): Transport {
  const waiting = new Map<
    string,
    { resolve: (outcome: 'done' | 'here') => void; outcome: Promise<'done' | 'here'> }
  >();
  const tested = new Map<number, Promise<void>>();
  const announce = async (threads: number) =>
    emit({ type: 'processor', tested: await testProcessor(threads) });
  listen((message) => {
    if (message.kind !== 'outcome') return;
    waiting.get(message.key)?.resolve(message.outcome);
    waiting.delete(message.key);
  });

  return {
    width: OFFERED_MODELS,
    async offer({ key, unit }) {
      const { threads } = unit.processor;
      const announced = tested.get(threads) ?? announce(threads);
      tested.set(threads, announced);
      await announced;
      const known = waiting.get(key);
      if (known !== undefined) return known.outcome;
      let resolve: (outcome: 'done' | 'here') => void = () => undefined;
      const outcome = new Promise<'done' | 'here'>((settle) => (resolve = settle));
      waiting.set(key, { resolve, outcome });
      emit({ type: 'unit', offered: { key, unit, processor: unit.processor, modules } });
      return outcome;
    },
  };
}
