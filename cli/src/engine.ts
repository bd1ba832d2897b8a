import {
  type EngineEvent,
  type OverflowRequest,
  type Problem,
  type RunRequest,
  type SensitivityRequest,
  runPaths,
} from '@quantsmith/schemas';
import { existsSync } from 'node:fs';
import { startEngine } from '@quantsmith/engine';
import { checkConfigFile, positionIn, type CheckedConfig, type CheckedFinding } from '@quantsmith/server';
import { findingLine } from './commands/check.js';
import { EXIT, exitCodeOf } from './exit.js';
import { createProgress } from './progress.js';

export interface EngineOptions {
  readonly output?: string;
  readonly allowModules?: boolean;
  readonly cache?: boolean;
  readonly resume?: boolean;
}

/**
 * Checks a config and runs the engine on it, with progress and problems on standard error; Ctrl+C cancels. Resolves to null
 * when it went well, else to the exit code, with everything said that there is to say.
 */
export async function runOnConfig(
  path: string,
  kind: (RunRequest | SensitivityRequest | OverflowRequest)['kind'],
  options: EngineOptions,
  onEvent: (event: EngineEvent) => void,
): Promise<number | null> {
  const checked = await checkConfigFile(path);
  for (const finding of worthShowing(checked)) console.error(findingLine(checked.path, finding));
  if (checked.config === null || checked.findings.some((finding) => finding.severity === 'error'))
    return EXIT.config;
  const request: RunRequest = {
    kind: 'run',
    config: checked.config,
    configPath: checked.path,
    configSha256: checked.sha256,
    allowModules: options.allowModules === true,
    cache: options.cache !== false,
    resume: options.resume === true,
    ...(options.output === undefined ? {} : { output: options.output }),
  };
  const abort = new AbortController();
  const cancel = () => abort.abort();
  process.once('SIGINT', cancel).once('SIGTERM', cancel);
  const progress = createProgress(process.stderr);
  const outcome = await startEngine(
    { ...request, kind },
    {
      signal: abort.signal,
      onEvent(event) {
        if (event.type === 'progress') progress.update(event);
        else if (event.type === 'problem') progress.line(problemLine(checked, event.problem));
        else onEvent(event);
      },
    },
  );
  progress.end();
  if (outcome.code === 'cancelled') {
    const goesOn = existsSync(runPaths(request).journal)
      ? ' `quantsmith run --resume` goes on where it stood.'
      : '';
    console.error(`Cancelled; no model was written.${goesOn}`);
    return EXIT.cancelled;
  }
  if (outcome.code === 'ok') return null;
  console.error(problemLine(checked, outcome.problem));
  return exitCodeOf(outcome.problem);
}

/** All findings; of a text that does not parse only the first, since the others follow from it. */
function worthShowing({ findings }: CheckedConfig): readonly CheckedFinding[] {
  const syntax = findings.find((finding) => finding.code === 'syntax');
  return syntax === undefined ? findings.filter((finding) => finding.severity !== 'hint') : [syntax];
}

/** One line as a finding has it: the config's file, where in it, what is wrong. */
function problemLine(checked: CheckedConfig, problem: Problem): string {
  const position = positionIn(checked, problem.configPath ?? []);
  const place = position === null ? '' : `:${position.line + 1}:${position.character + 1}`;
  return `${checked.path}${place}: ${problem.severity}: ${problem.message} [${problem.code}]`;
}
