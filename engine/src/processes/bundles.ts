import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `<name>.cjs` beside the bundle that this code runs in; from source, the one in `dist/`. */
export function bundlePath(name: 'watch' | 'worker' | 'moduleBridge' | 'moduleHost' | 'moduleHooks'): string {
  const places = ['./', '../../../dist/', '../../dist/'].map((folder) =>
    fileURLToPath(new URL(`${folder}${name}.cjs`, import.meta.url)),
  );

  return places.find(existsSync) ?? places[0]!;
}
