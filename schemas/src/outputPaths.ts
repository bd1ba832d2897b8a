import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { NAMED_PATHS } from './generated/configPaths.js';
import type { QuantizationReport } from './generated/report.js';
import type { RunRequest } from './protocol.js';

/** The files that belong to one quantized model. All lie in its folder. */
export interface OutputFiles {
  readonly output: string;
  readonly report: string;
  /** What restoration has found out so far, for a run that resumes. */
  readonly journal: string;
  /** The folder of a run that is writing this output: who runs, and files on their way to their places. */
  readonly staging: string;
}

/** Absolute paths of a run. */
export interface RunPaths extends OutputFiles {
  readonly baseDir: string;
  readonly model: string;
  /** The folder of this config's past runs. */
  readonly history: string;
}

/** What the name of an output ends in where the config names none, and what its report's name adds to it. */
export const OUTPUT_SUFFIX = '.int8.onnx';
export const REPORT_SUFFIX = '.report.json';

/** The report of a quantized model at a path. */
export const reportPathOf = (output: string): string => `${output}${REPORT_SUFFIX}`;

export const isReportPath = (path: string): boolean => path.endsWith(REPORT_SUFFIX);

/** Bytes that a file's name may have, nearly everywhere. */
const MAX_NAME_BYTES = 255;
/** What the longest name beside an output adds to it: that of its external data. */
const MAX_ADDED_BYTES = '.0123456789abcdef.data'.length;
/** The longest name that an output can have, in bytes: the names beside it are longer. */
export const MAX_OUTPUT_NAME_BYTES = MAX_NAME_BYTES - MAX_ADDED_BYTES;

/** The files of a quantized model at an absolute path. */
export function outputFiles(output: string): OutputFiles {
  return {
    output,
    report: reportPathOf(output),
    journal: `${output}.restore.jsonl`,
    staging: join(dirname(output), `.${basename(output)}.quantsmith`),
  };
}

/** The name of an output's external data, from the SHA-256 of its content: no reader ever pairs old and new files. */
export const externalDataName = (output: string, sha256: string) =>
  `${basename(output)}.${sha256.slice(0, 16)}.data`;

/** Whether a file beside an output is called like its external data. */
export function isExternalDataName(output: string, name: string): boolean {
  const stem = `${basename(output)}.`;
  return name.startsWith(stem) && /^[0-9a-f]{16}\.data$/.test(name.slice(stem.length));
}

/**
 * Where a config's model goes: what it says, relative to its folder, else a file beside the config that is named after it
 * (`net.quant.yaml` → `net.int8.onnx`, `quantization.json` → `quantization.int8.onnx`). `configPath` is absolute.
 */
export function configuredOutput(config: { readonly output?: unknown }, configPath: string): string {
  const { output } = config;
  return typeof output === 'string' && output !== ''
    ? resolve(dirname(configPath), output)
    : join(dirname(configPath), defaultOutputName(configPath));
}

function defaultOutputName(configPath: string): string {
  const stem = basename(configPath).replace(/(\.quant)?\.(ya?ml|jsonc?)$/i, '');
  return `${stem}${OUTPUT_SUFFIX}`;
}

/** Absolute paths of a run: relative ones in the config start at the config's folder. */
export function runPaths(request: Pick<RunRequest, 'config' | 'configPath' | 'output'>): RunPaths {
  const configPath = resolve(request.configPath);
  const baseDir = dirname(configPath);
  const output =
    request.output === undefined ? configuredOutput(request.config, configPath) : resolve(request.output);

  return {
    ...outputFiles(output),
    baseDir,
    model: resolve(baseDir, request.config.model),
    history: join(baseDir, '.quantsmith', 'runs', basename(configPath)),
  };
}

/** Absolute paths of what a config says a run reads, itself included; of any value, whether it is valid or not. */
export function configuredInputs(config: unknown, configPath: string): string[] {
  const named = NAMED_PATHS.filter(({ use }) => use === 'read' || use === 'module' || use === 'base');

  return [configPath, ...absolute(named, config, configPath)];
}

/** The files and folders that the data sections of a config name, absolute, in the order of the sections and their keys. */
export function configuredData(config: unknown, configPath: string): string[] {
  const named = NAMED_PATHS.filter(({ path, use }) => path[0] === 'data' && use === 'read');
  return absolute(named, config, configPath);
}

const absolute = (
  places: readonly { readonly path: readonly string[] }[],
  config: unknown,
  configPath: string,
): string[] =>
  places
    .map(({ path }) => path.reduce<unknown>(valueAt, config))
    .flatMap((path) => (typeof path === 'string' && path !== '' ? [resolve(dirname(configPath), path)] : []));

const valueAt = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;

/** A path as a report has it: relative to a folder, with forward slashes, the same on every machine. */
export const portablePath = (folder: string, path: string) => relative(folder, path).split(sep).join('/');

/**
 * The report with absolute paths, given where it lies. Written are the config's path relative to the report's folder, and
 * those of model and output relative to the config's; reports of before have absolute ones, which stay.
 */
export function withAbsolutePaths(report: QuantizationReport, reportPath: string): QuantizationReport {
  const configPath = resolve(dirname(reportPath), report.config.path);
  const absolute = (path: string) => resolve(dirname(configPath), path);
  return {
    ...report,
    config: { ...report.config, path: configPath },
    model: { ...report.model, path: absolute(report.model.path) },
    output: { ...report.output, path: absolute(report.output.path) },
  };
}
