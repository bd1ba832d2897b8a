import { readMetadata } from '@quantsmith/model/onnx';
import {
  bytesOf,
  fileSha256,
  folderState,
  placeKind,
  sameFile,
  withFile,
  type FolderState,
  type PlaceKind,
} from '@quantsmith/model/files';
import { type OutputFiles, MODEL_KEY } from '@quantsmith/schemas';
import { dirname } from 'node:path';

/** What lies where a file is to be written. */
export interface PlaceFacts {
  readonly path: string;
  readonly kind: PlaceKind;
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
  readonly folder: { readonly path: string; readonly state: FolderState };
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

async function placeFacts(
  path: string,
  inputs: readonly string[],
  isOurs: () => Promise<boolean>,
): Promise<PlaceFacts> {
  const kind = await placeKind(path);
  const ours = kind === 'file' && (await isOurs().catch(() => false));
  return { path, kind, ours, input: await sameFile(path, inputs) };
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
  try {
    return await withFile(path, async (handle, size) =>
      new TextDecoder().decode(await bytesOf(handle, 0, Math.min(size, HEAD_BYTES))),
    );
  } catch {
    return '';
  }
}
