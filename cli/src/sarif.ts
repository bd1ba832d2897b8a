import { pathToFileURL } from 'node:url';

/** Severities in SARIF's words. */
export const SARIF_LEVELS = { error: 'error', warning: 'warning', info: 'note', hint: 'note' } as const;

/** URI of the working folder, which in CI is the checkout. */
export function workingFolder(): string {
  return `${pathToFileURL(process.cwd()).href}/`;
}
