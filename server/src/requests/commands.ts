import {
  distrustOf,
  isReportPath,
  reportPathOf,
  writtenPath,
  type DebugReport,
  outputFiles,
  type SettingDifference,
  withAbsolutePaths,
  reasonOf,
} from '@quantsmith/schemas';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  type CancellationToken,
  type ExecuteCommandParams,
  type TextEdit,
  type WorkDoneProgressReporter,
} from 'vscode-languageserver/node';
import { recoverFolder } from '@quantsmith/engine';
import { checkConfigFile, settingDifferencesOf } from '../check/check.js';
import {
  convert,
  convertedName,
  DEBUG_COMMAND,
  outputPaths,
  OVERFLOW_COMMAND,
  RUN_COMMAND,
  setValue,
  SWEEP_COMMAND,
  type Written,
} from '@quantsmith/service';
import { loadReport } from '../sources/reports.js';
import { sampleCount } from '../sources/section.js';
import { draftConfig } from '../runs/draft.js';
import { readChoices } from './choices.js';
import { compareOverflow, debugLayers, runConfig } from '../runs/run.js';
import { refused } from '../session/answers.js';
import { followed, type Task } from './followed.js';
import { layerChanged, modelStructure, weightsOf } from './model.js';
import { findingsOfReport, located, stateTaken } from './reportPage.js';
import { settingsUsed, sweep } from './sweep.js';
import type { Session } from '../session/session.js';

/**
 * Commands that a client may send, each with the URI of a file: the config to run, to compare overflow fixes or layers of, the
 * model to make a config for, the config to write in the other notation or to set a value in, to end restoration of with the
 * best model so far, or to clean up after a run of that was killed; `settings` takes several, whose settings are compared, and `samples` several
 * files of arrays, whose samples are counted.
 * `model` reads the structure of one, `changeLayer` gives the edits that quantize a layer otherwise,
 * `weights` how the values of its weight lie on their codes.
 * `takeState` gives the edits that make a config ask for a state of restoration, `locate` the place of a layer or a key in it, `reportFindings` what
 * a report says of its config. `sweep` runs all combinations of a config's matrix, `useSettings` gives the edits that state one of them.
 */
export const COMMANDS = {
  run: RUN_COMMAND,
  overflow: OVERFLOW_COMMAND,
  debug: DEBUG_COMMAND,
  sweep: SWEEP_COMMAND,
  useSettings: 'quantsmith.server.useSettings',
  init: 'quantsmith.server.init',
  convert: 'quantsmith.server.convert',
  setValue: 'quantsmith.server.setValue',
  showReport: 'quantsmith.server.showReport',
  finish: 'quantsmith.server.finish',
  recover: 'quantsmith.server.recover',
  settings: 'quantsmith.server.settings',
  samples: 'quantsmith.server.samples',
  model: 'quantsmith.server.model',
  changeLayer: 'quantsmith.server.changeLayer',
  weights: 'quantsmith.server.weights',
  takeState: 'quantsmith.server.takeState',
  locate: 'quantsmith.server.locate',
  reportFindings: 'quantsmith.server.reportFindings',
} as const;

/** Executes one of COMMANDS. What fails is a request error whose data is the problem. */
export async function execute(
  session: Session,
  { command, arguments: args, workDoneToken }: ExecuteCommandParams,
  token: CancellationToken,
  progress: WorkDoneProgressReporter,
): Promise<unknown> {
  const uri: unknown = args?.[0];
  const file = typeof uri === 'string' ? session.fileOf(uri) : null;
  if (typeof uri !== 'string' || file === null) throw refused(`${command} needs the URI of a file.`);
  if (command === COMMANDS.init) return drafted(file, args?.[1], { token, progress });
  if (command === COMMANDS.showReport) return shown(session, uri, file);
  if (command === COMMANDS.convert) return converted(session, uri, file);
  if (command === COMMANDS.setValue) return valueSet(session, uri, file, args?.slice(1) ?? []);
  if (command === COMMANDS.useSettings) return settingsUsed(session, uri, args?.[1]);
  if (command === COMMANDS.finish) return finish(session, uri);
  if (command === COMMANDS.recover) return recover(file);
  if (command === COMMANDS.settings) return compareSettings(session, args ?? []);
  if (command === COMMANDS.samples) return sampleCounts(session, args ?? []);
  if (command === COMMANDS.model) return modelStructure(session, file, token);
  if (command === COMMANDS.changeLayer) return layerChanged(session, uri, args?.slice(1) ?? []);
  if (command === COMMANDS.weights) return weightsOf(file, args?.slice(1) ?? [], token);
  if (command === COMMANDS.takeState) return stateTaken(session, uri, args?.slice(1) ?? []);
  if (command === COMMANDS.locate) return located(session, uri, args?.slice(1) ?? []);
  if (command === COMMANDS.reportFindings) return findingsOfReport(file);
  const given = workDoneToken === undefined ? null : progress;
  const task = { uri, file, token, given, resume: isResumed(args?.[1]) };
  if (command === COMMANDS.run) return joined(session, `run ${uri}`, () => run(session, task));
  if (command === COMMANDS.overflow) return joined(session, `overflow ${uri}`, () => overflow(session, task));
  if (command === COMMANDS.debug) return joined(session, `debug ${uri}`, () => debug(session, task));
  if (command === COMMANDS.sweep) return joined(session, `sweep ${uri}`, () => sweep(session, task));
  throw refused(`There is no command ${command}.`);
}

/** The text of a config for a model, with the data that lie near it, or those that were chosen. */
async function drafted(
  file: string,
  given: unknown,
  { token, progress }: { token: CancellationToken; progress: WorkDoneProgressReporter },
): Promise<{ text: string }> {
  const abort = new AbortController();
  token.onCancellationRequested(() => abort.abort());
  const { chosen, maxDrop } = readChoices(given);
  try {
    const { text } = await draftConfig(file, {
      configPath: file,
      chosen,
      ...(maxDrop === undefined ? {} : { maxDrop }),
      signal: abort.signal,
      onProgress: ({ done, total }) => progress.report(`Trying preprocessings: ${done} of ${total ?? '?'}`),
    });

    return { text };
  } catch (error) {
    throw refused(reasonOf(error));
  }
}

/** Starts a task, or waits with the one that is being served already. */
function joined<T>({ running }: Session, key: string, start: () => Promise<T>): Promise<unknown> {
  const served = running.get(key);
  if (served !== undefined) return served;
  const task = start().finally(() => running.delete(key));
  running.set(key, task);
  return task;
}

const isResumed = (options: unknown) =>
  typeof options === 'object' && options !== null && 'resume' in options && options.resume === true;

/** A report, given itself or by its config, in an editor. */
async function shown(session: Session, uri: string, file: string): Promise<{ success: boolean }> {
  if (!session.capabilities.showDocument) throw refused('This client does not show documents.');
  if (isReportPath(file)) return { success: await session.client.showDocument(uri) };
  const document = session.documentOf(uri);
  const report = document === null ? null : (await session.surroundingsOf(document)).report;
  if (report === null) throw refused(`There is no report of ${file} yet.`);
  const target = pathToFileURL(reportPathOf(report.output.path)).href;
  return { success: await session.client.showDocument(target) };
}

/** The config in the other notation, and the name that such a file has. Nothing is written. */
function converted(session: Session, uri: string, file: string): { text: string; fileName: string } {
  const document = session.documentOf(uri);
  if (document === null) throw refused(`${file} is not open.`);
  const text = convert(document);
  if (text === null) throw refused(`${file} has syntax errors: fix them before converting it.`);
  return { text, fileName: convertedName(file, document.tree.language) };
}

/** The edits that set the value at a path of an open config. Nothing is changed here. */
function valueSet(
  session: Session,
  uri: string,
  file: string,
  [path, value]: readonly unknown[],
): readonly TextEdit[] {
  const document = session.documentOf(uri);
  if (document === null) throw refused(`${file} is not open.`);
  const isPath = Array.isArray(path) && path.every((step) => typeof step === 'string');
  const isValue = ['string', 'number', 'boolean'].includes(typeof value);
  const edits = isPath && isValue ? setValue(document, writtenPath(path), value as Written) : null;
  if (edits === null) throw refused(`The value cannot be set in ${file}: fix its syntax errors first.`);
  return edits;
}

/** The settings that differ between config files, as they lie on the disk; null: that is not known. */
function compareSettings(session: Session, uris: readonly unknown[]): Promise<SettingDifference[] | null> {
  const files = uris.map((uri) => (typeof uri === 'string' ? session.fileOf(uri) : null));
  const named = files.filter((file) => file !== null);
  if (named.length !== files.length) throw refused(`${COMMANDS.settings} needs the URIs of files.`);
  return settingDifferencesOf(named);
}

/** How many samples files of arrays hold; null: one does not tell. */
function sampleCounts({ sources, fileOf }: Session, uris: readonly unknown[]): Promise<(number | null)[]> {
  return Promise.all(
    uris.map(async (uri) => {
      const file = typeof uri === 'string' ? fileOf(uri) : null;
      return file === null ? null : sampleCount(file, sources);
    }),
  );
}

/** Asks the run of a config to end with the best model found so far; false: none of it is being served. */
function finish({ finishing }: Session, uri: string): boolean {
  finishing.get(uri)?.abort();
  return finishing.has(uri);
}

/** An engine ends within a second of its server, and a server within three of its editor. */
const DYING_MS = 10_000;
const LOOK_MS = 250;

/**
 * Completes or removes what killed runs have left in the folder of a config's output; waits for one that is about to end
 * with its editor. `isBusy`: some run is at work there, in another window or a terminal.
 */
async function recover(file: string): Promise<{ isBusy: boolean }> {
  const { config, path } = await checkConfigFile(file);
  const output = config === null ? null : outputPaths(config, path)?.output;
  const folder = dirname(output ?? file);
  const end = performance.now() + DYING_MS;
  for (;;) {
    if (await recoverFolder(folder, outputFiles)) return { isBusy: false };
    if (performance.now() > end) return { isBusy: true };
    await setTimeout(LOOK_MS);
  }
}

async function run(
  session: Session,
  task: Task,
): Promise<{ reportPath: string; outputPath: string; satisfied: boolean | null; distrust: string | null }> {
  const checked = await checkConfigFile(task.file);
  const abort = new AbortController();
  session.finishing.set(task.uri, abort);
  const { report, reportPath } = await followed(session, task, 'Quantizing', (options) =>
    runConfig(checked, { ...options, finish: abort.signal }),
  ).finally(() => session.finishing.delete(task.uri));

  return {
    reportPath,
    outputPath: withAbsolutePaths(report, reportPath).output.path,
    satisfied: report.metric?.satisfied ?? null,
    distrust: distrustOf(report),
  };
}

/** What the settings of overflow_fix give goes into the last report, and from there onto the config's line. */
async function overflow(session: Session, task: Task): Promise<{ reportPath: string }> {
  const checked = await checkConfigFile(task.file);
  const reportPath =
    checked.config === null ? null : (outputPaths(checked.config, checked.path)?.report ?? null);

  const report = reportPath === null ? null : (await loadReport(reportPath)).report;
  if (checked.config !== null && report?.config.sha256 !== checked.sha256) {
    throw refused(
      'Run quantization first: the comparison is added to the report of this version of the config.',
      {
        code: 'report-missing',
      },
    );
  }

  await followed(session, task, 'Comparing overflow fixes', (options) => compareOverflow(checked, options));

  return { reportPath: reportPath! };
}

/** Every layer beside the float model. */
async function debug(session: Session, task: Task): Promise<DebugReport> {
  const checked = await checkConfigFile(task.file);
  return followed(session, task, 'Comparing layers', (options) => debugLayers(checked, options));
}
