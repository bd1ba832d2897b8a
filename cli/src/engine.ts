import {
  type EngineEvent,
  type OverflowRequest,
  type Problem,
  type RunPaths,
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
  readonly force?: boolean;
}

type RunKind = (RunRequest | SensitivityRequest | OverflowRequest)['kind'];

/**
 * Checks a config and runs the engine on it, with progress and problems on standard error; Ctrl+C cancels. Resolves to null
 * when it went well, else to the exit code, with everything said that there is to say.
 */
export async function runOnConfig(
  path: string,
  kind: RunKind,
  options: EngineOptions,
  onEvent: (event: EngineEvent) => void,
): Promise<number | null> {
  const checked = withoutOutputFindings(await checkConfigFile(path), options);
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
    force: options.force === true,
    ...(options.output === undefined ? {} : { output: options.output }),
  };
  const abort = new AbortController();
  const cancel = () => abort.abort();
  // A closed terminal sends SIGHUP.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, cancel);
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
    console.error(cancelledLine(runPaths(request), kind, outcome.written));
    return EXIT.cancelled;
  }
  if (outcome.code === 'ok') return null;
  console.error(problemLine(checked, outcome.problem));
  return exitCodeOf(outcome.problem);
}

/** What is true after a cancel: it may have come when everything was written. */
function cancelledLine({ output, journal }: RunPaths, kind: RunKind, written: boolean): string {
  if (kind !== 'run') return 'Cancelled.';
  if (written) return `Cancelled after ${output} and its report were written; both are complete.`;
  const resumes = existsSync(journal) ? ' `quantsmith run --resume` continues where it stopped.' : '';
  return `Cancelled; no model was written.${resumes}`;
}

/** The checked config without what options of the run make untrue; the engine looks at the output again. */
function withoutOutputFindings(checked: CheckedConfig, { output, force }: EngineOptions): CheckedConfig {
  const settled = new Set([
    ...(output === undefined ? [] : ['output-unusable', 'output-shared']),
    ...(force === true ? ['output-unusable', 'output-shared'] : []),
  ]);
  return { ...checked, findings: checked.findings.filter(({ code }) => !settled.has(code)) };
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
