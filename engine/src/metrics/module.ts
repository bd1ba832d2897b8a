import { type ConfigPath } from '@quantsmith/schemas';
import { asFloat32 } from '@quantsmith/model/arrays';
import { basename } from 'node:path';
import { readInput } from '../data/input.js';
import type { MetricTensors } from '../data/modules/contract.js';
import type { Started } from '../data/modules/messages.js';
import { openModule, type ModuleOptions } from '../data/modules/moduleProcess.js';
import { average, type Metric, type Outputs, type Sums } from './metric.js';

/** A metric of the user's own, in a process of its own. Throws `metric-failed`, as its functions do. */
export async function loadMetric(
  path: string,
  configPath: ConfigPath,
  { baseDir, modules }: { readonly baseDir: string; readonly modules?: ModuleOptions | undefined },
): Promise<Metric> {
  // An import opens the file by itself, whatever it is.
  await readInput({ path, what: 'The metric', code: 'metric-failed', configPath });
  const module = openModule({ role: 'metric', path, configPath }, modules);
  const start = { kind: 'start', role: 'metric', path, baseDir, inputs: [] } as const;
  const { identity, metric: facts } = (await module.ask({ text: 'to start' }, start)) as Started;
  const { name, higherIsBetter, needsFloatOutputs, needsInputs, form, hasSampleError } = facts!;
  const shared = {
    name: name ?? basename(path),
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

  if (form === 'evaluate') {
    const metric: Metric<Sums> = {
      ...shared,
      accumulate: async (...given) => [(await accumulate(...given)) as number],
      result: average,
      sampleError: ([value = 0]) => (higherIsBetter ? -value : value),
    };

    return metric;
  }

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
    ...shared,
    accumulate,
    result: (states) => ask('result', states),
    sampleError: (state) =>
      hasSampleError ? ask('sampleError', [state]) : (higherIsBetter ? -1 : 1) * ask('result', [state]),
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
