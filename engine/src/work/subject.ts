import { isAbsolute, join, relative, resolve } from 'node:path';
import { stat } from 'node:fs/promises';
import { sha256 } from '@quantsmith/model/files';
import { canonicalJson, fail, type TensorSignature } from '@quantsmith/schemas';
import type { ModuleOptions } from '../data/modules/moduleProcess.js';
import { openValidation, type Validation, type ValidationPlan } from '../validation/validation.js';
import type { Store } from './store.js';

/** What is measured on and with, as another process opens it. */
export interface Subject {
  readonly plan: ValidationPlan;
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  readonly modelClasses: number | null;
  /** SHA-256 of the samples, and of what a metric's module holds. */
  readonly samples: string;
  readonly metric: string;
  /** The folder that paths in the plan start from: here, and from the store. */
  readonly baseDir: string;
  readonly fromStore: string;
}

/** Describes a validation for others; returns its key, which follows from contents and not from where they lie. */
export async function keepSubject(
  store: Store,
  { source, metric }: Validation,
  opened: Pick<Subject, 'plan' | 'inputs' | 'outputs' | 'modelClasses' | 'baseDir'>,
): Promise<string> {
  const { inputs, outputs, modelClasses } = opened;
  const samples = await source.fingerprint();
  const identity = { samples, metric: [metric.name, metric.identity ?? null], inputs, outputs, modelClasses };
  const key = sha256(canonicalJson(identity));
  const fromStore = relative(resolve(store.dir), resolve(opened.baseDir)).split('\\').join('/');
  const subject: Subject = { ...opened, samples, metric: metric.name, fromStore };
  // In the order that it was written in: fingerprints of data follow from that.
  await store.describe(key, JSON.stringify(subject));

  return key;
}

/** Whether only a process that may run modules can open it. */
export function needsModules({ section, control }: ValidationPlan): boolean {
  return section.loader !== undefined || /\.[cm]?[jt]s$/.test(control?.metric ?? '');
}

/**
 * Opens what a key stands for, and makes sure that the samples are those of whoever described it. Throws `store-damaged`,
 * `samples-differ`, and what opening data throws.
 */
export async function openSubject(
  store: Store,
  key: string,
  options: { readonly allowModules: boolean; readonly modules?: ModuleOptions },
): Promise<Validation> {
  const subject = JSON.parse(await store.described(key)) as Subject;
  const { plan, inputs, outputs, modelClasses } = subject;
  const baseDir = await folderOf(store, subject);
  const context = { inputs, outputs, modelClasses, baseDir, ...options };
  const validation = await openValidation(plan, context);
  if (validation === null) return fail('store-damaged', 'A subject in the store has nothing to measure on.');
  if ((await validation.source.fingerprint()) !== subject.samples) {
    fail(
      'samples-differ',
      `The validation samples in ${baseDir} are others than those of the run: on every machine they must be the same.`,
      { file: baseDir },
    );
  }

  return validation;
}

/** Beside the store, as it lies on the machine that described it; else at the same path. */
async function folderOf(store: Store, { baseDir, fromStore }: Subject): Promise<string> {
  const beside = isAbsolute(fromStore) ? fromStore : join(resolve(store.dir), fromStore);
  const isThere = await stat(beside).then(
    (info) => info.isDirectory(),
    () => false,
  );

  return isThere ? beside : baseDir;
}
