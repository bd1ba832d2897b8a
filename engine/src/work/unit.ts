import { sha256 } from '@quantsmith/model/files';
import { canonicalJson, TOOL, type Processor } from '@quantsmith/schemas';
import { cpuFeatures } from '../runtime/cpu.js';
import { runtimeVersion } from '../runtime/session.js';
import type { Task } from '../tasks/task.js';
import type { Measurement } from '../validation/spread.js';

/** Units of another form are never mistaken for those of this one. */
const PROTOCOL = 1;

/** What is computed in one go: one value for each of some samples, which follows from nothing but what stands here. */
export interface Unit {
  readonly what: Measurement['what'];
  /** SHA-256 of the model as the store keeps it. */
  readonly model: string;
  readonly optimization: string | null;
  readonly batch: number;
  readonly reference: { readonly model: string; readonly batch: number } | null;
  readonly task: Task;
  /** The key of what is measured on and with. */
  readonly subject: string;
  readonly samples: readonly number[];
  readonly processor: Processor;
}

/** This process as a processor with so many threads: results of another one may differ in the last bit. */
export async function thisProcessor(threads: number): Promise<Processor> {
  const { arch, isa } = await cpuFeatures();
  const versions = { protocol: PROTOCOL, tool: TOOL.version, runtime: runtimeVersion() };
  return { ...versions, arch, isa, threads };
}

/** A unit's name: of its job, and of its result in the store. */
export const unitKey = (unit: Unit): string => sha256(canonicalJson(unit));

/** Whether it is a SHA-256 as it stands in names of files. */
export const isKey = (key: string): boolean => /^[0-9a-f]{64}$/.test(key);

/** Samples of a unit: a multiple of every batch size, so that batches hold the same samples however work is spread. */
export const UNIT_SAMPLES = 64;

/** The samples in the slices that are measured by one unit each; they follow from the samples alone. */
export function slices(indices: readonly number[]): (readonly number[])[] {
  return Array.from({ length: Math.ceil(indices.length / UNIT_SAMPLES) }, (_, i) =>
    indices.slice(i * UNIT_SAMPLES, (i + 1) * UNIT_SAMPLES),
  );
}
