import { fail } from '@quantsmith/schemas';
import { readInput } from '../input.js';
import type { LoaderInfo } from './contract.js';
import type { Started } from './messages.js';
import { openModule, type ModuleOptions, type ModuleProcess, type ModuleSubject } from './moduleProcess.js';

export interface ModuleContext {
  readonly baseDir: string;
  readonly allowModules: boolean;
  readonly modules?: ModuleOptions | undefined;
}

/** How messages name each kind of module, and what is thrown where its file cannot be read. */
const ROLES = {
  loader: { what: 'The loader', code: 'data-not-found' },
  metric: { what: 'The metric', code: 'metric-failed' },
} as const;

/**
 * Starts a module, if the user allows it: it is a program with all rights of the user. `inputs`: those of the model, of which a
 * loader is told. Throws `modules-not-allowed`, `data-not-found`, `loader-failed`, `metric-failed`.
 */
export async function startModule(
  subject: ModuleSubject,
  { baseDir, allowModules, modules }: ModuleContext,
  inputs: LoaderInfo['inputs'] = [],
): Promise<Started & { readonly module: ModuleProcess }> {
  const { role, path, configPath } = subject;
  if (!allowModules) {
    fail(
      'modules-not-allowed',
      `${path} is a program; it runs only when modules are allowed (--allow-modules, or the setting in a trusted workspace).`,
      { file: path, configPath },
    );
  }

  // An import opens the file by itself, whatever it is.
  await readInput({ path, configPath, ...ROLES[role] });
  const module = openModule(subject, modules);
  const started = await module.ask({ text: 'to start' }, { kind: 'start', role, path, baseDir, inputs });

  return { ...(started as Started), module };
}
