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
import type { Channel } from './work/open.js';
import { serveUnits } from './work/worker.js';
import {
  type EngineEvent,
  type EngineRequest,
  type Problem,
  QuantsmithError,
  reasonOf,
} from '@quantsmith/schemas';

/** Entry of the engine process: takes one request over IPC, answers with events, ends; may be asked to end early. */
process.once('message', (request: EngineRequest) => {
  const finish = new AbortController();
  const listen: Channel['listen'] = (hear) => process.on('message', hear);
  listen(({ kind }) => {
    if (kind === 'finish') finish.abort();
  });
  void serve(request, finish.signal, listen).then(
    () => end({ type: 'done' }),
    (error: unknown) => end({ type: 'failed', problem: problemOf(error) }),
  );
});
// The parent is gone: nobody waits for the result. The thread says so where this one is busy.
endWithParent();
process.once('disconnect', () => process.exit(1));

async function serve(request: EngineRequest, finish: AbortSignal, listen: Channel['listen']): Promise<void> {
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
  const { report, reportPath } = await runPipeline(request, emit, finish, listen);
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
