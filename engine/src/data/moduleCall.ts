import { pathToFileURL } from 'node:url';
import { fail, type ConfigPath } from '@quantsmith/schemas';

/** A call into a module of the user's, for the problem that it may end in. */
export interface ModuleCall {
  readonly code: 'loader-failed' | 'metric-failed';
  /** What failed, without a full stop. */
  readonly what: string;
  readonly path: string;
  readonly configPath: ConfigPath;
}

/** Runs code of the user's; what it throws becomes a problem with the line in the module and the stack. */
export async function moduleCall<T>(
  { code, what, path, configPath }: ModuleCall,
  body: () => T | Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof Error && error.name === 'QuantsmithError') throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    const line = lineIn(stack, path);
    const place = line === null ? '' : `, line ${line}`;
    return fail(code, `${what}${place}: ${reason}.`, { file: path, configPath, data: { line, stack } });
  }
}

/** The first line of the module that a stack names. */
function lineIn(stack: string, path: string): number | null {
  const places = [pathToFileURL(path).href, path];
  for (const frame of stack.split('\n')) {
    for (const place of places) {
      const offset = frame.indexOf(`${place}:`);
      const line = offset < 0 ? Number.NaN : Number.parseInt(frame.slice(offset + place.length + 1), 10);
      if (!Number.isNaN(line)) return line;
    }
  }

  return null;
}
