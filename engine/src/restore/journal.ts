import { reasonOf } from '@quantsmith/schemas';
import { readTextSync } from '@quantsmith/model/files';
import { appendFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';

/** Results of evaluations, each kept on disk as soon as it is there, so that a run that was killed loses none of them. */
export interface Journal {
  /** The kept result, or the computed one, which is kept then. */
  readonly of: <T>(key: string, compute: () => Promise<T>) => Promise<T>;
  /** How many results came from an earlier run. */
  readonly found: number;
  /** The run has ended well: nothing is to be resumed. */
  readonly close: () => void;
}

/**
 * Opens the journal at `path`. With `resume`, what an earlier run of the same `identity` (hash of everything that the
 * results follow from) left there is used; otherwise it begins anew. One line of JSON a result; a last line that was cut
 * short is passed over. `onFailure` is told once when the file cannot be written; the run goes on without it.
 */
export function openJournal(
  path: string,
  identity: string,
  resume: boolean,
  onFailure: (reason: string) => void,
): Journal {
  const kept = resume ? readKept(path, identity) : new Map<string, unknown>();
  let writes = true;
  const attempt = (write: () => void) => {
    if (!writes) return;
    try {
      write();
    } catch (error) {
      writes = false;
      onFailure(reasonOf(error));
    }
  };

  const line = (key: string, value: unknown) => `${JSON.stringify([key, value])}\n`;
  let begun = false;
  // Rewritten whole: what was cut short goes. Not before there is something to keep: a run that fails early leaves nothing.
  const begin = () => {
    if (begun) return;
    begun = true;
    const lines = [line('identity', identity), ...[...kept].map(([key, value]) => line(key, value))];
    writeFileSync(path, lines.join(''));
  };

  return {
    found: kept.size,
    async of<T>(key: string, compute: () => Promise<T>) {
      if (kept.has(key)) return kept.get(key) as T;
      const value = await compute();
      attempt(() => {
        begin();
        appendFileSync(path, line(key, value));
      });
      return value;
    },
    close: () => rmSync(path, { force: true }),
  };
}

function readKept(path: string, identity: string): Map<string, unknown> {
  const kept = new Map<string, unknown>();
  if (!existsSync(path)) return kept;
  const [first = '', ...lines] = readTextSync(path).split('\n');
  if (entryOf(first)?.[1] !== identity) return kept;
  for (const text of lines) {
    const entry = entryOf(text);
    if (entry === null) break;
    kept.set(entry[0], entry[1]);
  }

  return kept;
}

function entryOf(text: string): [string, unknown] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string'
      ? [value[0], value[1]]
      : null;
  } catch {
    return null;
  }
}
