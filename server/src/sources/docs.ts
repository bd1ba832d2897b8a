import { fileURLToPath } from 'node:url';
import { lookAt } from './look.js';

/** Where the documentation lies that comes with the bundled server, as a URI that ends with a slash; null: nowhere. */
export async function docsFolder(): Promise<string | null> {
  const folder = new URL('../docs/', import.meta.url);
  return (await lookAt(fileURLToPath(new URL('diagnostics.md', folder)))) === 'file' ? folder.href : null;
}
