import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { inMemory } from '../../kit/lspClient.js';
import { PULLING } from './client.js';
import { soak } from './soak.js';

const example = fileURLToPath(new URL('../../../examples/digits', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-soak-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// The long version, with real processes: npm run soak:lsp
it.each([1, 2])(
  'edits at random never break the server, and leave nothing behind (seed %i)',
  async (seed) => {
    cpSync(example, folder, { recursive: true });
    const digits = readFileSync(join(example, 'digits.quant.yaml'), 'utf8');
    const client = await inMemory(PULLING);
    const fresh = () => inMemory(PULLING);
    const result = await soak({ client, fresh, folder, digits, seed, edits: 2000 });
    await client.stop();
    expect(result.edits).toBeGreaterThanOrEqual(2000);
  },
);
