#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const bundle = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
if (!existsSync(bundle)) {
  console.error('quantsmith is not built yet: run "npm run setup" in the repository root first.');
  process.exit(70);
}

await import(bundle);
