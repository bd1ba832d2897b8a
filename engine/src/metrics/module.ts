import { asFloat32 } from '@quantsmith/model/arrays';
import { basename } from 'node:path';
import type { MetricTensors } from '../data/modules/contract.js';
import type { ModuleProcess, ModuleSubject } from '../data/modules/moduleProcess.js';
import { startModule, type ModuleContext } from '../data/modules/start.js';
import { average, type Metric, type Outputs, type Sums } from './metric.js';

/** A metric of the user's own, in a process of its own. Throws what `startModule` does; its functions throw `metric-failed`. */
export async function loadMetric(subject: ModuleSubject, context: ModuleContext): Promise<Metric> {
  const { module, identity, metric: facts } = await startModule(subject, context);
  const { name, higherIsBetter, needsFloatOutputs, needsInputs, form, hasSampleError } = facts!;
  const shared = {
    name: name ?? basename(subject.path),
    higherIsBetter,
    needsLabels: false,
    needsReference: needsFloatOutputs,
    identity,
  };

  const accumulate: Metric['accumulate'] = (outputs, label, floatOutputs, { name, feeds, image, task }) =>
    module.ask(
      { text: `at sample "${name}"`, sample: name },
      {
        kind: 'accumulate',
        outputs: sent(outputs),
        label,
        floatOutputs: needsFloatOutputs && floatOutputs !== null ? sent(floatOutputs) : null,
        sample: { name, feeds: needsInputs ? sent(feeds) : {}, image, task },
      },
    );

  return form === 'evaluate'
    ? { ...shared, ...averaged(accumulate, higherIsBetter) }
    : { ...shared, accumulate, ...computedByModule(module, higherIsBetter, hasSampleError) };
}

type MetricFunctions<State> = Pick<
  Metric<State>,
  'accumulate' | 'result' | 'sampleError' | 'comparesSamples'
>;

/** Of a module that gives one number for each sample: the value is their average. */
function averaged(evaluate: Metric['accumulate'], higherIsBetter: boolean): MetricFunctions<Sums> {
  return {
    accumulate: async (...sample) => [(await evaluate(...sample)) as number],
    result: average,
    sampleError: ([value = 0]) => (higherIsBetter ? -value : value),
  };
}

/** Of a module that makes the value of its own states. */
function computedByModule(
  module: ModuleProcess,
  higherIsBetter: boolean,
  hasSampleError: boolean,
): Omit<MetricFunctions<unknown>, 'accumulate'> {
  const numbered = numberStates();
  const ask = (kind: 'result' | 'sampleError', states: readonly unknown[]) =>
    module.askNow(
      {
        text:
          kind === 'result'
            ? `to compute the value of ${states.length} samples`
            : 'to compute the error of a sample',
      },
      { kind, ...numbered(states) },
    ) as number;

  return {
    result: (states) => ask('result', states),
    sampleError: (state) =>
      hasSampleError ? ask('sampleError', [state]) : (higherIsBetter ? -1 : 1) * ask('result', [state]),
    // Asking for every sample once more would be the slow end of a run, and may fail where samples alone have no value.
    comparesSamples: false,
  };
}

/** Halves as float32, since JavaScript has no type for them, and doubles alike. */
const sent = (outputs: Outputs): MetricTensors =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => {
      const { data, ...rest } = asFloat32(tensor);
      return [name, { ...rest, data: data as ArrayLike<number> }];
    }),
  );

/** States are sent to the module once each, and named by number afterwards: a bootstrap asks for them thousands of times. */
function numberStates(): (states: readonly unknown[]) => { added: unknown[]; states: number[] } {
  const numbers = new Map<unknown, number>();
  return (states) => {
    const added: unknown[] = [];
    const contributions = states.map((state) => {
      const known = numbers.get(state);
      if (known !== undefined) return known;
      const number = numbers.size;
      numbers.set(state, number);
      added.push(state);
      return number;
    });

    return { added, states: contributions };
  };
}
