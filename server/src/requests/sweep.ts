import { engineSeries } from '@quantsmith/engine';
import { isRecord, QuantsmithError } from '@quantsmith/schemas';
import { useSettings } from '@quantsmith/service';
import type { TextEdit } from 'vscode-languageserver/node';
import { runConfig, type EngineResult, type RunOptions } from '../runs/run.js';
import { plannedRuns, runSweep, type Sweep, type SweepPoint } from '../runs/sweep.js';
import { refused } from '../session/answers.js';
import type { Session } from '../session/session.js';
import { followed, type Task } from './followed.js';

/** What a sweep came to; reports lie in their files. */
export type SweepResult = Omit<Sweep, 'points'> & {
  readonly points: readonly (SweepPoint & { readonly report: null })[];
};

/** Runs every combination of a config's matrix; what a sweep before has finished is kept. */
export async function sweep(session: Session, task: Task): Promise<SweepResult> {
  const { points, ...rest } = await followed(session, task, 'Sweeping', (options) =>
    sweepConfig(task.file, options),
  );

  return { ...rest, points: points.map((point) => ({ ...point, report: null })) };
}

async function sweepConfig(file: string, options: RunOptions): Promise<EngineResult<Sweep>> {
  const { signal } = options;
  const series = engineSeries();
  let part = { index: 0, total: 1, name: '' };
  const make = plannedRuns(async (checked, places) => {
    const onProgress: RunOptions['onProgress'] = (event) => options.onProgress(event, part);
    const result = await runConfig(checked, { ...options, ...places, series, onProgress });
    if (result.kind === 'done') return result.value.report;
    if (result.kind === 'failed') throw new QuantsmithError(result.problem);
    throw signal.reason;
  });

  try {
    const value = await runSweep([file], make, {
      signal,
      onRun: ({ index, total, name }) => (part = { index, total, name: `[${index + 1}/${total}] ${name}: ` }),
    });

    return { kind: 'done', value };
  } catch (error) {
    if (signal.aborted) return { kind: 'cancelled' };
    if (error instanceof QuantsmithError) return { kind: 'failed', problem: error.problem };
    throw error;
  } finally {
    await series.close();
  }
}

/** The edits that make an open config ask for settings, by their dotted paths. Nothing is changed here. */
export function settingsUsed(session: Session, uri: string, settings: unknown): readonly TextEdit[] {
  const document = session.documentOf(uri);
  if (document === null) throw refused(`${uri} is not open.`);
  const edits = isRecord(settings) ? useSettings(document, settings) : null;
  if (edits === null)
    throw refused('The settings cannot be written into the config: fix its syntax errors first.');

  return edits;
}
