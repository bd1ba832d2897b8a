import { reasonOf } from '@quantsmith/schemas';
import { readFile } from 'node:fs/promises';
import type { LoadHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { MessagePort } from 'node:worker_threads';

let port: MessagePort | null = null;

/** `port`: told the address of every file that is loaded. */
export function initialize(data: { readonly port: MessagePort }): void {
  port = data.port;
}

/**
 * Node's hook for loading, in a thread of its own: TypeScript becomes JavaScript by leaving its types out, on every line where it
 * was, and alike in all versions of Node.
 */
export const load: LoadHook = async (url, context, next) => {
  if (url.startsWith('file:')) port?.postMessage(url);
  const kind = /^file:.*\.([cm]?)ts$/.exec(url)?.[1];
  if (kind === undefined) return next(url, context);
  const path = fileURLToPath(url);
  const source = await withoutTypes(await readFile(path, 'utf8'), url);

  return { format: kind === 'c' ? 'commonjs' : 'module', source, shortCircuit: true };
};

async function withoutTypes(source: string, url: string): Promise<string> {
  const { transform } = await import('sucrase');
  try {
    return transform(source, { transforms: ['typescript'], disableESTransforms: true }).code;
  } catch (error) {
    // "Error transforming …: Unexpected token (3:5)"
    const text = reasonOf(error);
    const [, reason = text, line = '1'] =
      /^(?:Error transforming .*?: )?(.*) \((\d+):\d+\)$/s.exec(text) ?? [];
    const located = new SyntaxError(reason);
    located.stack = `${url}:${line}\nSyntaxError: ${reason}`;
    throw located;
  }
}
