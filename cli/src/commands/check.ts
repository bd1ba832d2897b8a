import { visible, terminalLine, terminalJson, fail } from '@quantsmith/schemas';
import { findingsSarif } from '@quantsmith/api';
import { readText, writeText } from '@quantsmith/model/files';
import { checkConfigFile, checkConfigText, fixConfigText, type CheckedConfig } from '@quantsmith/server';
import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { glob, isDynamicPattern } from 'tinyglobby';
import { CONFIG_NAMES, NOT_SEARCHED } from './configFiles.js';
import { EXIT } from '../output/exitCodes.js';
import { refuseModel } from '../run/engine.js';
import { shownFile } from '../output/place.js';
import { placedText, type PlacedProblem, type Session } from '../output/session.js';
import { printRaw } from '../output/terminal.js';

export const CHECK_FORMATS = ['text', 'github', 'json', 'sarif'] as const;
export type CheckFormat = (typeof CHECK_FORMATS)[number];
export const FAIL_ON = ['error', 'warning', 'info', 'never'] as const;

export interface CheckCommandOptions {
  readonly format: CheckFormat;
  /** The least severity that makes the exit code 1. */
  readonly failOn: (typeof FAIL_ON)[number];
  /** Write what has one right answer. */
  readonly fix?: boolean;
  /** The name of a config that comes from standard input. */
  readonly stdinName: string;
}

const STDIN = '-';

/** `quantsmith check`: prints every finding of files, folders, globs or standard input; 1 when one is severe enough. */
export async function checkCommand(
  patterns: readonly string[],
  options: CheckCommandOptions,
  session: Session,
): Promise<number> {
  const checked = patterns.includes(STDIN)
    ? [await checkStdin(patterns, options)]
    : await Promise.all(
        (await filesOf(patterns)).map((file) => checkFile(file, options.fix === true, session)),
      );

  const findings = checked.flatMap(placedFindings);
  // The text that was fixed is on standard output already.
  const stream = options.fix === true && patterns.includes(STDIN) ? 'stderr' : 'stdout';
  printRaw(`${render(checked, findings, options.format)}\n`, stream);

  return findings.some(({ severity }) => rank(severity) >= rank(options.failOn)) ? EXIT.findings : EXIT.ok;
}

async function checkFile(path: string, fix: boolean, { messages }: Session): Promise<CheckedConfig> {
  const checked = await checkConfigFile(path);
  if (!fix || checked.findings.length === 0 || checked.text === '') return checked;
  const fixed = await fixConfigText(checked.text, path);
  if (fixed === checked.text) return checked;
  if ((await readText(path)) !== checked.text)
    fail('usage-invalid', `${path} changed while it was checked; nothing was written to it.`, { file: path });
  await writeText(path, fixed);
  messages.note(`Fixed ${path}`);

  return checkConfigFile(path);
}

async function checkStdin(
  patterns: readonly string[],
  { fix, stdinName }: CheckCommandOptions,
): Promise<CheckedConfig> {
  if (patterns.length > 1) fail('usage-invalid', 'Standard input (-) cannot be checked together with files.');
  const given = await readAll(process.stdin);
  if (fix !== true) return checkConfigText(given, stdinName);
  const fixed = await fixConfigText(given, stdinName);
  printRaw(fixed);
  return checkConfigText(fixed, stdinName);
}

/** Files that names, folders and globs stand for, without doubles. A folder or glob without a config is an error. */
async function filesOf(patterns: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(patterns.map(filesOfOne));
  return [...new Set(lists.flat())];
}

async function filesOfOne(pattern: string): Promise<string[]> {
  refuseModel(pattern);
  const options = { ignore: NOT_SEARCHED, followSymbolicLinks: false, expandDirectories: false };
  const info = await stat(pattern).catch(() => null);
  if (info !== null && !info.isDirectory()) return [pattern];
  const folder = info !== null;
  // A file that is not there is a finding of its own.
  if (!folder && !isDynamicPattern(pattern)) return [pattern];
  const files = folder
    ? await glob(CONFIG_NAMES, { ...options, cwd: pattern, absolute: true })
    : await glob(pattern.replaceAll('\\', '/'), { ...options, absolute: true });

  if (files.length === 0)
    fail(
      'usage-invalid',
      folder ? `No config found in the folder ${pattern}.` : `No file matches ${pattern}.`,
    );

  return files.sort().map((file) => relative(process.cwd(), file));
}

function placedFindings({ path, findings }: CheckedConfig): PlacedFinding[] {
  return findings.map(({ code, severity, message, range, path: configPath, data }) => ({
    file: path,
    code,
    severity,
    message,
    configPath,
    range,
    start: range.start,
    data: data ?? {},
  }));
}

interface PlacedFinding extends PlacedProblem {
  readonly file: string;
  readonly range: CheckedConfig['findings'][number]['range'];
  readonly data: object;
}

function render(
  checked: readonly CheckedConfig[],
  findings: readonly PlacedFinding[],
  format: CheckFormat,
): string {
  switch (format) {
    case 'text':
      return [...findings.map(placedText), verdict(checked.length, findings.length)]
        .map((line) => terminalLine(line))
        .join('\n');
    case 'github':
      return [...findings.map(githubCommand), verdict(checked.length, findings.length)].join('\n');
    case 'sarif':
      return terminalJson(findingsSarif(findings));
    case 'json':
      return terminalJson(
        checked.map(({ path }) => ({
          path: shownFile(path),
          findings: findings.filter(({ file }) => file === path).map(asJson),
        })),
      );
  }
}

function asJson({ code, severity, message, range, configPath, data }: PlacedFinding) {
  const named =
    'file' in data && typeof data.file === 'string' ? { ...data, file: shownFile(data.file) } : data;
  return { code, severity, message, range, config_path: configPath, data: named };
}

function verdict(configs: number, findings: number): string {
  if (findings > 0) return `${findings} ${findings === 1 ? 'finding' : 'findings'}.`;
  return configs === 1 ? 'The config is valid.' : `All ${configs} configs are valid.`;
}

/** A workflow command, which GitHub shows on the changed lines. */
function githubCommand({ file, code, severity, message, range: { start, end } }: PlacedFinding): string {
  const level = severity === 'info' || severity === 'hint' ? 'notice' : severity;
  const properties = {
    file: shownFile(file).split('\\').join('/'),
    line: start.line + 1,
    endLine: end.line + 1,
    // Columns of an annotation over several lines are refused.
    ...(start.line === end.line ? { col: start.character + 1, endColumn: end.character + 1 } : {}),
    title: code,
  };

  const list = Object.entries(properties).map(([key, value]) => `${key}=${escapedProperty(String(value))}`);

  return `::${level} ${list.join(',')}::${escaped(visible(message))}`;
}

const escaped = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const escapedProperty = (text: string) => escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

function rank(severity: PlacedProblem['severity'] | 'never'): number {
  return ['hint', 'info', 'warning', 'error', 'never'].indexOf(severity);
}
