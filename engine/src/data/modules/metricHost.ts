import type { AccumulatedMetric, AveragedMetric, Helpers } from './contract.js';
import type { ModuleRequest, StartedModule } from './messages.js';

type Exported = Partial<AveragedMetric & AccumulatedMetric<unknown>>;

/** Takes what a metric's module exports by default; nothing of it is believed. */
export async function startMetric(exported: unknown, helpers: Helpers): Promise<StartedModule> {
  const value =
    typeof exported === 'function' ? await (exported as (helpers: Helpers) => unknown)(helpers) : exported;
  const metric = (typeof value === 'object' && value !== null ? value : {}) as Exported;
  const form = formOf(metric);
  const states: unknown[] = [];

  return {
    facts: {
      length: null,
      metric: {
        name: typeof metric.name === 'string' && metric.name !== '' ? metric.name : null,
        higherIsBetter: metric.higherIsBetter ?? true,
        needsFloatOutputs: metric.needsFloatOutputs === true,
        needsInputs: metric.needsInputs === true,
        form,
        hasSampleError: typeof metric.sampleError === 'function',
      },
    },
    answer(request) {
      if (request.kind === 'accumulate') return accumulated(metric, form, request);
      if (request.kind !== 'result' && request.kind !== 'sampleError') return null;
      for (const state of request.added) states.push(state);
      const chosen = request.states.map((index) => states[index]);
      return request.kind === 'result'
        ? finite(metric.result!(chosen), 'result')
        : finite(metric.sampleError!(chosen[0]), 'sampleError');
    },
  };
}

function formOf(metric: Exported): 'evaluate' | 'accumulate' {
  if (typeof metric.accumulate === 'function' && typeof metric.result === 'function') return 'accumulate';
  if (typeof metric.evaluate === 'function') return 'evaluate';
  throw new TypeError('it exports neither "evaluate" nor "accumulate" and "result" by default');
}

async function accumulated(
  metric: Exported,
  form: 'evaluate' | 'accumulate',
  request: Extract<ModuleRequest, { readonly kind: 'accumulate' }>,
): Promise<unknown> {
  const { outputs, label, floatOutputs, sample } = request;
  if (form === 'evaluate')
    return finite(await metric.evaluate!(outputs, label, sample, floatOutputs), 'evaluate');
  return asJson(await metric.accumulate!(outputs, label, floatOutputs, sample));
}

function finite(value: unknown, source: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new TypeError(
    `"${source}" returned ${typeof value === 'number' ? value : `no number (${typeof value})`}`,
  );
}

/** A state as it is when it is read from disk again. */
function asJson(state: unknown): unknown {
  const text = JSON.stringify(state, (_, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new TypeError(`"accumulate" returned a state with ${value}, which JSON cannot hold`);
    return value;
  }) as string | undefined;
  if (text === undefined) throw new TypeError('"accumulate" returned nothing');

  return JSON.parse(text) as unknown;
}
