import { canonicalJson, fail, processorText, type Processor } from '@quantsmith/schemas';
import type { ModuleOptions } from '../data/modules/moduleProcess.js';
import { collectOutputs, evaluate } from '../metrics/evaluate.js';
import type { Outputs, SampleState } from '../metrics/metric.js';
import { outputErrors } from '../validation/outputErrors.js';
import type { ModelRunner, Workers } from '../runtime/workers.js';
import type { Validation } from '../validation/validation.js';
import { modelUnpacker } from './packModel.js';
import type { Store } from './store.js';
import { openSubject } from './subject.js';
import { isKey, unitKey, type Unit } from './unit.js';

export interface UnitServer {
  /** Computes a unit and keeps its result in the store, unless it is there. */
  readonly serve: (key: string, unit: Unit) => Promise<void>;
  readonly close: () => Promise<void>;
}

interface ServerOptions {
  readonly processor: Processor;
  readonly workers: Workers;
  readonly allowModules: boolean;
  readonly modules?: ModuleOptions;
}

/** Models, and what they are measured on, stay open for the next unit: it is mostly of the same. */
const KEPT_MODELS = 2;
const KEPT_SUBJECTS = 2;

/** Computes units one after the other. Throws `unit-refused`, `store-damaged`, `samples-differ`, and what measuring throws. */
export function openUnitServer(store: Store, options: ServerOptions): UnitServer {
  const { workers, processor } = options;
  const subjects = recent<Validation>(KEPT_SUBJECTS, () => Promise.resolve());
  const models = recent<ModelRunner>(KEPT_MODELS, (runner) => runner.release());
  const references = recent<FloatOutputs>(1, (outputs) => outputs.release());
  const unpack = modelUnpacker(store);
  const open = (key: string, session: { batch: number; optimization?: 'basic' }) =>
    models.of(JSON.stringify([key, session]), async () =>
      workers.open(await unpack(key), { dir: store.weightsDir, ...session }),
    );

  return {
    async serve(key, unit) {
      refuseOthers(key, unit, processor);
      if ((await store.result(key, unit)) !== null) return;
      const validation = await subjects.of(unit.subject, () => openSubject(store, unit.subject, options));
      const { reference } = unit;
      const float =
        reference === null
          ? null
          : await references.of(JSON.stringify([reference, unit.subject]), async () =>
              floatOutputs(
                await workers.open(await unpack(reference.model), {
                  dir: store.weightsDir,
                  batch: reference.batch,
                }),
                validation,
                reference.batch,
              ),
            );

      const expected = float === null ? null : await float.of(unit.samples);
      const optimization = unit.optimization === null ? {} : { optimization: 'basic' as const };
      const runner = await open(unit.model, { batch: unit.batch, ...optimization });
      await store.keepResult(key, unit, await statesOf(unit, validation, runner, expected));
    },
    async close() {
      await references.close();
      await models.close();
    },
  };
}

function refuseOthers(key: string, unit: Unit, processor: Processor): void {
  const named = [unit.model, unit.subject, ...(unit.reference === null ? [] : [unit.reference.model])];
  if (unitKey(unit) !== key || !named.every(isKey))
    fail('unit-refused', `The unit ${key} is not what its name says.`);
  if (canonicalJson(unit.processor) === canonicalJson(processor)) return;
  fail(
    'unit-refused',
    `The unit is for another processor: it wants ${processorText(unit.processor)}, this is ${processorText(processor)}.`,
  );
}

async function statesOf(
  { what, samples, task }: Unit,
  { source, metric }: Validation,
  runner: ModelRunner,
  expected: ReadonlyMap<number, Outputs> | null,
): Promise<readonly SampleState[]> {
  if (what === 'errors')
    return outputErrors(runner, { source, metric, task }, samples, expected ?? new Map<number, Outputs>());

  const options = { task, ...(expected === null ? {} : { reference: expected }) };
  return (await evaluate(runner, source, samples, metric, options)).states;
}

interface FloatOutputs {
  readonly of: (indices: readonly number[]) => Promise<ReadonlyMap<number, Outputs>>;
  readonly release: () => Promise<void>;
}

/** Bytes of the float model's outputs that are kept. */
const KEPT_OUTPUT_BYTES = 256 * 2 ** 20;

/** The float model's outputs; batches hold the samples that they hold where all samples run through the model. */
function floatOutputs(runner: ModelRunner, { source }: Validation, batch: number): FloatOutputs {
  const kept = new Map<number, Outputs>();
  let bytes = 0;
  return {
    async of(indices) {
      if (bytes > KEPT_OUTPUT_BYTES) {
        kept.clear();
        bytes = 0;
      }

      const missing = new Set(
        indices.filter((index) => !kept.has(index)).map((index) => Math.floor(index / batch)),
      );
      const wanted = [...missing]
        .sort((a, b) => a - b)
        .flatMap((block) => Array.from({ length: batch }, (_, i) => block * batch + i))
        .filter((index) => index < source.count);
      for (const [index, outputs] of await collectOutputs(runner, source, wanted)) {
        kept.set(index, outputs);
        bytes += bytesOf(outputs);
      }

      return kept;
    },
    release: () => runner.release(),
  };
}

const bytesOf = (outputs: Outputs) =>
  Object.values(outputs).reduce((sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : 0), 0);

/** What was made last, by key; the oldest ones are let go. */
function recent<T>(count: number, release: (value: T) => Promise<void>) {
  const kept = new Map<string, T>();
  return {
    async of(key: string, make: () => Promise<T>): Promise<T> {
      const known = kept.get(key);
      const value = known ?? (await make());
      kept.delete(key);
      kept.set(key, value);
      for (const oldest of [...kept.keys()].slice(0, -count)) {
        const gone = kept.get(oldest);
        kept.delete(oldest);
        if (gone !== undefined) await release(gone);
      }

      return value;
    },
    async close() {
      for (const value of kept.values()) await release(value);
      kept.clear();
    },
  };
}
