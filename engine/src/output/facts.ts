import { readMetadata } from '@quantsmith/model/onnx';
import { fileSha256 } from '@quantsmith/model/files';
import { type OutputFiles, MODEL_KEY } from '@quantsmith/schemas';
import { constants } from 'node:fs';
import { access, lstat, open, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** What lies where a file is to be written. */
export interface PlaceFacts {
  readonly path: string;
  /** special: a device, FIFO or socket, or a link to one; broken-link: a link that leads nowhere. */
  readonly kind: 'absent' | 'file' | 'folder' | 'special' | 'broken-link';
  /** Whether this tool wrote the file. */
  readonly ours: boolean;
  /** A file that the run reads, and that is the same one. */
  readonly input: string | null;
}

/** All that `outputObstacle` decides on. */
export interface OutputFacts {
  readonly model: PlaceFacts;
  readonly report: PlaceFacts;
  readonly journal: PlaceFacts;
  readonly folder: {
    readonly path: string;
    readonly state: 'writable' | 'absent' | 'not-a-folder' | 'locked';
  };
}

/** Bytes at the start of a report or journal that say who wrote it. */
const HEAD_BYTES = 64 * 1024;

/**
 * Looks at the places of an output. `inputs` are the files that the run reads. Opens only regular files, reads heads of
 * them, and never throws; a model without our mark is hashed when the report beside it is ours and says the same size.
 */
export async function outputFacts(files: OutputFiles, inputs: readonly string[]): Promise<OutputFacts> {
  const path = dirname(files.output);
  const [model, report, journal] = await Promise.all([
    placeFacts(files.output, inputs, () => isOurModel(files)),
    placeFacts(files.report, inputs, () => isOurReport(files.report)),
    placeFacts(files.journal, inputs, () => isOurJournal(files.journal)),
  ]);

  return { model, report, journal, folder: { path, state: await folderState(path) } };
}

async function folderState(path: string): Promise<OutputFacts['folder']['state']> {
  try {
    if (!(await stat(path)).isDirectory()) return 'not-a-folder';
    await access(path, constants.W_OK | constants.X_OK);
    return 'writable';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : 'locked';
  }
}

async function placeFacts(
  path: string,
  inputs: readonly string[],
  isOurs: () => Promise<boolean>,
): Promise<PlaceFacts> {
  const kind = await kindOf(path);
  const ours = kind === 'file' && (await isOurs().catch(() => false));
  return { path, kind, ours, input: await sameInput(path, inputs) };
}

async function kindOf(path: string): Promise<PlaceFacts['kind']> {
  const link = await lstat(path).catch(() => null);
  if (link === null) return 'absent';
  const target = await stat(path).catch(() => null);
  if (target === null) return 'broken-link';
  if (target.isFile()) return 'file';
  return target.isDirectory() ? 'folder' : 'special';
}

/** The input that is the same file: links and the case of letters are seen through. */
async function sameInput(path: string, inputs: readonly string[]): Promise<string | null> {
  const identity = async (file: string) => {
    const info = await stat(file, { bigint: true }).catch(() => null);
    return info === null ? null : `${info.dev}:${info.ino}`;
  };

  const written = await identity(path);
  const place = await realpath(dirname(path)).catch(() => dirname(path));
  for (const input of inputs) {
    if (resolve(path) === resolve(input) || resolve(place, path) === resolve(input)) return input;
    if (written !== null && written === (await identity(input))) return input;
  }

  return null;
}

async function isOurModel({ output, report }: OutputFiles): Promise<boolean> {
  if ((await readMetadata(output))?.has(MODEL_KEY) === true) return true;
  // Models of versions before 0.2 have no mark: the report beside them has their hash.
  if (!(await isOurReport(report))) return false;
  const recorded = /"output":\s*\{[^{}]*"sha256":\s*"([0-9a-f]{64})"/.exec(await headOf(report))?.[1];
  return recorded !== undefined && recorded === (await fileSha256(output));
}

const isOurReport = async (path: string) =>
  /^\s*\{[^{}]*"tool":\s*\{\s*"name":\s*"quantsmith"/.test(await headOf(path));

const isOurJournal = async (path: string) => {
  const head = await headOf(path);
  return head === '' || head.startsWith('["identity",');
};

/** The first bytes of a regular file as text; empty where there is none. */
async function headOf(path: string): Promise<string> {
  const info = await stat(path).catch(() => null);
  if (info === null || !info.isFile()) return '';
  const handle = await open(path, 'r').catch(() => null);
  if (handle === null) return '';
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}
