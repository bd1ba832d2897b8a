import {
  type EngineEvent,
  fail,
  type OverflowRequest,
  type Problem,
  type RunPaths,
  type RunRequest,
  runPaths,
  type SensitivityRequest,
} from '@quantsmith/schemas';
import { startEngine } from '@quantsmith/engine';
import { checkConfigFile, positionIn, type CheckedConfig } from '@quantsmith/server';
import { existsSync } from 'node:fs';
import { EXIT, exitCodeOf } from './exit.js';
import { failed, type PlacedProblem, placedText, type Session } from './session.js';

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
  session: Session,
  onEvent: (event: EngineEvent) => void,
): Promise<number | null> {
  if (/\.onnx$/i.test(path))
    fail(
      'usage-invalid',
      `${path} is a model, and this takes a config: \`quantsmith init ${path}\` writes one.`,
    );
  const checked = withoutOutputFindings(await checkConfigFile(path), options);
  const findings = worthShowing(checked);
  if (checked.config === null || findings.some(({ severity }) => severity === 'error'))
    return failed(session, findings, exitCodeFor(findings));
  for (const finding of findings) session.messages.note(placedText(finding));
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
  const { progress, note } = session.messages;
  const outcome = await startEngine(
    { ...request, kind },
    {
      signal: abort.signal,
      onEvent(event) {
        if (event.type === 'progress') progress.update(event);
        else if (event.type === 'problem') note(placedText(placed(checked, event.problem)));
        else onEvent(event);
      },
    },
  );

  progress.end();
  if (outcome.code === 'ok') return null;
  if (outcome.code === 'failed')
    return failed(session, [placed(checked, outcome.problem)], exitCodeOf(outcome.problem));
  const message = cancelledText(runPaths(request), kind, outcome.written);

  return failed(session, [{ code: 'cancelled', severity: 'error', message }], EXIT.cancelled);
}

/** Configs that are fine but for a model that cannot be read have an exit code of their own. */
function exitCodeFor(findings: readonly { readonly code: string; readonly severity: string }[]): number {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const isInput = errors.length > 0 && errors.every(({ code }) => code === 'model-unreadable');
  return isInput ? EXIT.input : EXIT.config;
}

/** What is true after a cancel: it may have come when everything was written. */
function cancelledText({ output, journal }: RunPaths, kind: RunKind, written: boolean): string {
  if (kind !== 'run') return 'Cancelled.';
  if (written) return `Cancelled after ${output} and its report were written; both are complete.`;
  const resumes = existsSync(journal) ? ' `quantsmith run --resume` continues where it stopped.' : '';
  return `Cancelled; no model was written.${resumes}`;
}

/** The checked config without what options of the run make untrue; the engine looks at the output again. */
function withoutOutputFindings(checked: CheckedConfig, { output, force }: EngineOptions): CheckedConfig {
  const settled = new Set(output === undefined && force !== true ? [] : ['output-unusable', 'output-shared']);
  return { ...checked, findings: checked.findings.filter(({ code }) => !settled.has(code)) };
}

/** All findings; of a text that does not parse only the first, since the others follow from it. */
function worthShowing({ path, findings }: CheckedConfig): PlacedProblem[] {
  const syntax = findings.find((finding) => finding.code === 'syntax');
  const shown = syntax === undefined ? findings.filter((finding) => finding.severity !== 'hint') : [syntax];
  return shown.map((finding) => ({
    code: finding.code,
    severity: finding.severity,
    message: finding.message,
    file: path,
    configPath: finding.path,
    start: finding.range.start,
  }));
}

/** A problem of the engine at the place in the config that it is about. */
function placed(checked: CheckedConfig, { code, severity, message, configPath }: Problem): PlacedProblem {
  const start = positionIn(checked, configPath ?? []);
  return {
    code,
    severity,
    message,
    file: checked.path,
    ...(configPath === undefined ? {} : { configPath }),
    ...(start === null ? {} : { start }),
  };
}
