import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The parts of the repository, as package.json lists them. */
export const PARTS = (
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { workspaces: string[] }
).workspaces;

/**
 * A temporary copy of the repository that may be changed: its sources and what tools need to know of them. Installed
 * packages are linked, those of the repository itself to the copy.
 *
 * @returns The copy's folder, and a function that removes it.
 */
export function copyOfCheckout(extra: readonly string[] = []): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'quantsmith-checkout-'));
  const copied = ['package.json', 'tsconfig.json', '.dependency-cruiser.mjs', ...PARTS, ...extra];
  for (const name of copied) {
    cpSync(join(ROOT, name), join(folder, name), {
      recursive: true,
      filter: (path) => !/[\\/](node_modules|test)$/.test(path),
    });
  }

  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@quantsmith'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@quantsmith') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }

  for (const part of PARTS) {
    symlinkSync(join(folder, part), join(modules, '@quantsmith', part));
    const own = join(part, 'node_modules');
    if (existsSync(join(ROOT, own))) symlinkSync(join(ROOT, own), join(folder, own));
  }

  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
