import type { Hash } from 'node:crypto';
import { hashFile, MAX_TEXT_BYTES, readBytes, whyUnreadable } from '@quantsmith/model/files';
import { fail, type ConfigPath } from '@quantsmith/schemas';

/** A file that a config names. */
export interface InputFile {
  readonly path: string;
  /** What it is in a message: "The label file". */
  readonly what: string;
  /** Of the problem where it cannot be read. */
  readonly code: string;
  readonly configPath: ConfigPath;
  /** Default: what holds nothing is refused. */
  readonly mayBeEmpty?: boolean;
  /** Larger files are refused. */
  readonly maxBytes?: number;
}

/**
 * The bytes of a file that a config names; what is no regular file, or has no bytes, is a problem that names file and place.
 * Files of /proc say that they have none: they are made while they are read, and some are waited for.
 */
export async function readInput(input: InputFile): Promise<Uint8Array> {
  const bytes = await readBytes(input.path, input.maxBytes).catch((error: unknown) =>
    unreadable(input, error),
  );
  return bytes.length === 0 && input.mayBeEmpty !== true ? refuse(input, 'is empty') : bytes;
}

/** As `readInput`, as text. */
export async function readInputText(input: InputFile): Promise<string> {
  return new TextDecoder().decode(await readInput({ maxBytes: MAX_TEXT_BYTES, ...input }));
}

/** Adds the bytes of such a file to a hash. */
export function hashInput(hash: Hash, input: InputFile): Promise<void> {
  return hashFile(hash, input.path).catch((error: unknown) => unreadable(input, error));
}

function unreadable(input: InputFile, error: unknown): never {
  if (!(error instanceof Error && 'code' in error)) throw error;
  return refuse(input, whyUnreadable(error));
}

const refuse = ({ path, what, code, configPath }: InputFile, why: string) =>
  fail(code, `${what} ${path} ${why}.`, { file: path, configPath });
