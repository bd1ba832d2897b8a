import { draftOfModel } from './draft/draft.js';
import { endWithParent } from './processes/parent.js';
import { removeScratch } from './runtime/scratch.js';
import { engineEnvironment } from './environment.js';
import { evaluateModel } from './validation/evaluateModel.js';
import { inspectModel } from '@quantsmith/model/onnx';
import { overflowOfModel } from './saturation/model.js';
import { plan } from './plan/plan.js';
import { weightCodes } from './weights/weightCodes.js';
import {
  debugPipeline,
  overflowPipeline,
  runPipeline,
  sensitivityPipeline,
  sharePipeline,
} from './pipeline.js';
import { forgetPeak, shareRuns, type SharedRuns } from './run/shared.js';
import type { Channel } from './work/open.js';
import { serveUnits } from './work/worker.js';
import {
  type EngineEvent,
  type EngineMessage,
  type EngineRequest,
  type Problem,
  QuantsmithError,
  reasonOf,
} from '@quantsmith/schemas';

/**
 * Entry of the engine process: takes a request over IPC, answers with events, and ends, or stays for the next run where it is asked
 * to; may be asked to end a request early.
 */
function receiveNext(shared: SharedRuns): void {
  const hears: ((message: EngineMessage) => void)[] = [];
  let isServing = false;
  const receive = (message: EngineRequest | EngineMessage) => {
    if (isServing || isAboutRequest(message)) {
      for (const hear of hears) hear(message as EngineMessage);
      // Nobody asks for anything more.
      if (!isServing && message.kind === 'finish') process.exit(0);
      return;
    }

    isServing = true;
    const stays = message.kind === 'run' && message.stays === true;
    const finish = new AbortController();
    hears.push(({ kind }) => {
      if (kind === 'finish') finish.abort();
    });
    const hearing = {
      listen: (hear: (typeof hears)[number]) => hears.push(hear),
      shared: stays ? shared : null,
    };
    void serve(message, finish.signal, hearing).then(
      () => {
        if (!stays) return end({ type: 'done' });
        process.off('message', receive);
        receiveNext(shared);
        emit({ type: 'done' });
      },
      (error: unknown) => end({ type: 'failed', problem: problemOf(error) }),
    );
  };

  process.on('message', receive);
}

/** Whether it is about a request that is being served, or was. */
const isAboutRequest = (message: EngineRequest | EngineMessage): message is EngineMessage =>
  message.kind === 'finish' || message.kind === 'outcome' || message.kind === 'unit';

receiveNext(shareRuns());
// The parent is gone: nobody waits for the result. The thread says so where this one is busy.
endWithParent();
process.once('disconnect', () => process.exit(1));

interface Hearing extends Pick<Channel, 'listen'> {
  /** null: no other run follows. */
  readonly shared: SharedRuns | null;
}

async function serve(
  request: EngineRequest,
  finish: AbortSignal,
  { listen, shared }: Hearing,
): Promise<void> {
  if (request.kind === 'inspect') {
    emit({ type: 'inspected', model: await inspectModel(request.modelPath) });
    return;
  }

  if (request.kind === 'draft') {
    emit({ type: 'drafted', draft: await draftOfModel(request, emit) });
    return;
  }

  if (request.kind === 'weights') {
    emit({ type: 'weights', weights: await weightCodes(request) });
    return;
  }

  if (request.kind === 'environment') {
    emit({ type: 'environment', environment: await engineEnvironment() });
    return;
  }

  if (request.kind === 'evaluate') {
    emit({ type: 'evaluated', evaluation: await evaluateModel(request, plan(request.config), emit) });
    return;
  }

  if (request.kind === 'overflow-model') {
    emit({ type: 'overflow', overflow: await overflowOfModel(request.modelPath) });
    return;
  }

  if (request.kind === 'overflow') {
    emit({ type: 'overflow', overflow: await overflowPipeline({ ...request, kind: 'run' }, emit) });
    return;
  }

  if (request.kind === 'debug') {
    emit({ type: 'debug', report: await debugPipeline(request, emit) });
    return;
  }

  if (request.kind === 'sensitivity') {
    const report = await sensitivityPipeline({ ...request, kind: 'run' }, emit, listen);
    emit({ type: 'sensitivity', report });
    return;
  }

  if (request.kind === 'work') return serveUnits(request, { emit, listen });
  if (request.work?.role === 'share') return sharePipeline(request, emit);

  // What killed engines have left, wherever their output was.
  await removeScratch();
  if (shared !== null) await forgetPeak();
  const { report, reportPath } = await runPipeline(request, emit, finish, listen, shared);
  emit({ type: 'report', report, reportPath });
}

function emit(event: EngineEvent): void {
  process.send?.(event);
}

function end(event: EngineEvent): void {
  process.removeAllListeners('disconnect');
  process.send?.(event, () => process.exit(0));
}

function problemOf(error: unknown): Problem {
  if (error instanceof QuantsmithError) return error.problem;
  const message = reasonOf(error);
  const stack = error instanceof Error ? error.stack : undefined;

  return {
    code: 'internal-error',
    severity: 'error',
    message: `Internal error in the engine: ${message}`,
    data: { stack },
  };
}
