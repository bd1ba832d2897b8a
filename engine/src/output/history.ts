import { systemReason } from '@quantsmith/model/files';
import { portablePath, type Problem, type QuantizationReport, type RunPaths } from '@quantsmith/schemas';
import { lstat, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isRunning, processNamespace, thisProcess } from '../processes/owner.js';

/** Runs of one config that are kept, and bytes of them; the oldest go first. */
export interface HistoryLimits {
  readonly runs: number;
  readonly bytes: number;
}

const HISTORY_LIMITS: HistoryLimits = { runs: 50, bytes: 64 * 2 ** 20 };

/** A run as the history keeps it. */
export interface PastRun {
  readonly paths: RunPaths;
  readonly configPath: string;
  readonly configText: string;
  readonly report: QuantizationReport;
}

/** The folder of a run that is being kept ends in the process that does it. */
const UNFINISHED = /~(\d+)$/;
/** One that is kept; what else lies there is somebody's own. */
const FINISHED = /^\d{4}-\d\d-\d\dT[\d-]+\.\d{3}Z(-\d+)?$/;

/**
 * Keeps a run under `.quantsmith/runs/<config>/<time>/`: report and config text, whole or not at all. Returns a problem of
 * severity info where that is not possible (a read-only folder); the run itself has gone well.
 */
export async function keepRun(run: PastRun, limits: HistoryLimits = HISTORY_LIMITS): Promise<Problem | null> {
  const { history } = run.paths;
  try {
    await mkdir(history, { recursive: true });
    const link = await linkAbove(history);
    if (link !== null) return notKept(history, `${link} is a link`);
    await ignoreInGit(dirname(dirname(history)));
    await removeUnfinished(history);
    const time = run.report.created.replaceAll(':', '-');
    const draft = join(history, `${time}~${process.pid}`);
    await mkdir(draft);
    try {
      await writeFile(join(draft, basename(run.configPath)), run.configText);
      await writeFile(join(draft, 'report.json'), textOf(run, draft));
      await rename(draft, await freeName(join(history, time)));
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      throw error;
    }

    await prune(history, limits);
    return null;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return notKept(history, systemReason(error));
  }
}

const notKept = (history: string, reason: string): Problem => ({
  code: 'history-not-written',
  severity: 'info',
  message: `This run is not saved to ${history}: ${reason}.`,
  file: history,
});

/** The one of the three folders of a history that is a link; null: none is. Old runs are removed: they must be ours. */
async function linkAbove(history: string): Promise<string | null> {
  for (const folder of [dirname(dirname(history)), dirname(history), history])
    if ((await lstat(folder)).isSymbolicLink()) return folder;
  return null;
}

/** The report with the config's path as it is seen from the history. */
function textOf({ report, configPath }: PastRun, folder: string): string {
  const config = { ...report.config, path: portablePath(folder, resolve(configPath)) };
  return `${JSON.stringify({ ...report, config }, null, 2)}\n`;
}

/** `.quantsmith` is nothing for a repository. */
async function ignoreInGit(folder: string): Promise<void> {
  await writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx' }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
}

async function freeName(path: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = number === 1 ? path : `${path}-${number}`;
    if ((await stat(name).catch(() => null)) === null) return name;
  }
}

async function removeUnfinished(history: string): Promise<void> {
  const self = { ...thisProcess(), namespace: processNamespace(), begun: '' };
  for (const name of await readdir(history)) {
    const pid = UNFINISHED.exec(name)?.[1];
    if (pid !== undefined && isRunning({ ...self, pid: Number(pid) }) === false)
      await rm(join(history, name), { recursive: true, force: true });
  }
}

async function prune(history: string, limits: HistoryLimits): Promise<void> {
  const runs = (await readdir(history))
    .filter((name) => FINISHED.test(name))
    .sort()
    .reverse();

  let bytes = 0;
  for (const [index, name] of runs.entries()) {
    bytes += await bytesOf(join(history, name));
    const isNewest = index === 0;
    if (!isNewest && (index >= limits.runs || bytes > limits.bytes))
      await rm(join(history, name), { recursive: true, force: true });
  }
}

async function bytesOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name)).catch(() => null))?.size ?? 0),
  );

  return sizes.reduce((sum, size) => sum + size, 0);
}
