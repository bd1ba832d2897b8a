import { inspectModel } from '@quantsmith/engine/onnx/inspect';
import { basename, dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  LSPErrorCodes,
  ResponseError,
  type CancellationToken,
  type ExecuteCommandParams,
  type WorkDoneProgressReporter,
} from 'vscode-languageserver/node';
import { checkConfigFile } from './check.js';
import { convert } from './features/convert.js';
import { convertedName } from './features/convertAction.js';
import { configFor } from './init.js';
import { RUN_COMMAND } from './runs/command.js';
import { fractionDone, runConfig } from './runs/run.js';
import { cancelled, type Session } from './session.js';

/**
 * Commands that a client may send, each with the URI of a file: the config to run, the model to make a config for, the
 * config to write in the other notation.
 */
export const COMMANDS = {
  run: RUN_COMMAND,
  init: 'quantsmith.server.init',
  convert: 'quantsmith.server.convert',
  showReport: 'quantsmith.server.showReport',
} as const;

/** `quantsmith/progress`: for clients that show a notification of their own. */
const PROGRESS = 'quantsmith/progress';

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
  if (command === COMMANDS.init) {
    const model = await inspectModel(file).catch((error: unknown) => {
      throw refused(error instanceof Error ? error.message : String(error));
    });
    return { text: configFor(model, basename(file), dirname(file)) };
  }
  if (command === COMMANDS.showReport) return shown(session, uri, file);
  if (command === COMMANDS.convert) return converted(session, uri, file);
  if (command !== COMMANDS.run) throw refused(`There is no command ${command}.`);
  if (session.running.has(uri)) throw refused(`${file} is being quantized already.`);
  session.running.add(uri);
  try {
    return await run(session, uri, file, token, workDoneToken === undefined ? null : progress);
  } finally {
    session.running.delete(uri);
    session.refresh();
  }
}

/** A report, given itself or by its config, in an editor. */
async function shown(session: Session, uri: string, file: string): Promise<{ success: boolean }> {
  if (!session.abilities.showDocument) throw refused('This client does not show documents.');
  if (file.endsWith('.report.json')) return session.connection.window.showDocument({ uri });
  const document = session.documentOf(uri);
  const report = document === null ? null : (await session.surroundingsOf(document)).report;
  if (report === null) throw refused(`There is no report of ${file} yet.`);
  const target = pathToFileURL(`${report.output.path}.report.json`).href;
  return session.connection.window.showDocument({ uri: target });
}

/** The config in the other notation, and the name that such a file has. Nothing is written. */
function converted(session: Session, uri: string, file: string): { text: string; fileName: string } {
  const document = session.documentOf(uri);
  if (document === null) throw refused(`${file} is not open.`);
  const text = convert(document);
  if (text === null) throw refused(`${file} has syntax errors; what is wrong can have no other form.`);
  return { text, fileName: convertedName(file, document.tree.language) };
}

async function run(
  { connection, settings, abilities, log }: Session,
  uri: string,
  file: string,
  token: CancellationToken,
  given: WorkDoneProgressReporter | null,
): Promise<{ reportPath: string; outputPath: string; satisfied: boolean | null }> {
  const abort = new AbortController();
  token.onCancellationRequested(() => abort.abort());
  const own = given === null && abilities.progress ? await connection.window.createWorkDoneProgress() : null;
  own?.token.onCancellationRequested(() => abort.abort());
  const progress = given ?? own;
  progress?.begin('Quantizing', 0, '', true);
  try {
    const result = await runConfig(await checkConfigFile(file), {
      allowModules: settings.allowModules,
      signal: abort.signal,
      onProblem: (problem) => log('warning', `${problem.code}: ${problem.message}`),
      onProgress(event) {
        const fraction = fractionDone(event);
        const left = event.secondsLeft === null ? '' : `, ${Math.ceil(event.secondsLeft)} s left`;
        const count = event.total === null ? '' : ` ${event.done}/${event.total}`;
        const message = `${event.stage}${count}${left}`;
        progress?.report(Math.round(100 * fraction), message);
        void connection.sendNotification(PROGRESS, { uri, fraction, message, stage: event.stage });
      },
    });
    if (result.kind === 'cancelled') throw cancelled();
    if (result.kind === 'failed') throw refused(result.problem.message, result.problem);
    const { output, metric } = result.report;
    return { reportPath: result.reportPath, outputPath: output.path, satisfied: metric?.satisfied ?? null };
  } finally {
    progress?.done();
  }
}

const refused = (message: string, data?: unknown) =>
  new ResponseError(LSPErrorCodes.RequestFailed, message, data);
