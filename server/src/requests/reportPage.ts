import { isRecord, writtenPath } from '@quantsmith/schemas';
import {
  type ConfigDocument,
  locateLayer,
  locatePath,
  takeState,
  type RestorationState,
  type Written,
} from '@quantsmith/service';
import { pathToFileURL } from 'node:url';
import type { Range, TextEdit } from 'vscode-languageserver/node';
import { reportFindings, type ReportFinding } from '../check/reportFindings.js';
import { refused } from '../session/answers.js';
import type { Session } from '../session/session.js';
import { loadReport } from '../sources/reports.js';

/** The edits that make a config ask for a state of its report. Nothing is changed here. */
export async function stateTaken(
  session: Session,
  uri: string,
  [given]: readonly unknown[],
): Promise<readonly TextEdit[]> {
  const document = openConfig(session, uri);
  const state = stateOf(given);
  if (state === null) throw refused('A state with float, integer and settings is needed.');
  const { config } = await session.contextOf(document);
  const edits = takeState(document, state, config?.quantization?.ignored_scope?.names ?? []);
  if (edits === null) throw refused(`The state cannot be written into ${uri}: fix its syntax errors first.`);
  return edits;
}

/** Where a config names a layer, or has a path of keys. */
export function located(session: Session, uri: string, [target]: readonly unknown[]): Range {
  const document = openConfig(session, uri);
  if (isRecord(target) && typeof target['layer'] === 'string') return locateLayer(document, target['layer']);
  const path = isRecord(target) ? pathOf(target['path']) : null;
  if (path === null) throw refused('A layer or a path is needed.');
  return locatePath(document, writtenPath(path));
}

/** What a report says on the lines of its config, for a log of findings. */
export async function findingsOfReport(
  file: string,
): Promise<{ readonly config: string; readonly findings: readonly ReportFinding[] }> {
  const { report } = await loadReport(file);
  if (report === null) throw refused(`${file} is not a report that this version can read.`);
  return { config: pathToFileURL(report.config.path).href, findings: await reportFindings(report) };
}

function openConfig(session: Session, uri: string): ConfigDocument {
  const document = session.documentOf(uri);
  if (document === null) throw refused(`${uri} is not open.`);
  return document;
}

function stateOf(given: unknown): RestorationState | null {
  if (!isRecord(given)) return null;
  const { float, integer, settings } = given;
  if (!isTexts(float) || !isTexts(integer) || !Array.isArray(settings)) return null;
  const written = settings.map((setting: unknown) => {
    const path = isRecord(setting) ? pathOf(setting['path']) : null;
    return path === null ? null : { path: writtenPath(path), value: (setting as { value: Written }).value };
  });

  const known = written.filter((setting) => setting !== null);
  return known.length === written.length ? { float, integer, settings: known } : null;
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

const pathOf = (value: unknown): (string | number)[] | null =>
  Array.isArray(value) && value.every((step) => typeof step === 'string' || typeof step === 'number')
    ? value
    : null;
