import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageSchema } from './lsp/schema.mjs';

/**
 * Tests keep calibration statistics in a folder of their own: nothing that an earlier build computed is read. What a
 * language server may send is a schema that those of the server read.
 */
export default async function setup(): Promise<() => void> {
  const dir = mkdtempSync(join(tmpdir(), 'quantsmith-test-cache-'));
  process.env['QUANTSMITH_CACHE'] = dir;
  process.env['QUANTSMITH_LSP_SCHEMA'] = await messageSchema();
  return () => rmSync(dir, { recursive: true, force: true });
}
