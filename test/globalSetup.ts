import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Tests keep calibration statistics in a folder of their own: nothing that an earlier build computed is read. */
export default function setup(): () => void {
  const dir = mkdtempSync(join(tmpdir(), 'quantsmith-test-cache-'));
  process.env['QUANTSMITH_CACHE'] = dir;
  return () => rmSync(dir, { recursive: true, force: true });
}
