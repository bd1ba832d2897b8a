import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../../test/oracles/vectors.json', import.meta.url));

/** One section of the peers' reference vectors. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows the form of a section
export function vectors<T>(key: string): T {
  return (JSON.parse(readFileSync(path, 'utf8')) as Record<string, T>)[key]!;
}
