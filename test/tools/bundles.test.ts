import { describe, expect, it } from 'vitest';
import { bundle, EXTENSION_BUNDLES, NPM_BUNDLES } from '../../scripts/bundle.mjs';

/** The native packages that a bundle requires. */
async function nativeParts(name: string, entry: string): Promise<string[]> {
  const { outputs } = await bundle({ [name]: entry }, 'dist', { write: false });
  const imports = Object.values(outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return imports.filter((path) => ['onnxruntime-node', 'sharp'].includes(path));
}

/** Natives crash, block and take memory: the editor's host, the server, the command line and the API load none. */
describe('bundles', () => {
  it.each(Object.entries({ ...EXTENSION_BUNDLES, ...NPM_BUNDLES }))(
    '%s loads native parts only if it is the engine',
    async (name, entry) => {
      const isEngine = name === 'engine' || name === 'worker';
      expect((await nativeParts(name, entry)).includes('onnxruntime-node')).toBe(isEngine);
      // A module's process decodes images.
      if (!isEngine) expect(await nativeParts(name, entry)).toEqual(name === 'moduleHost' ? ['sharp'] : []);
    },
  );
});
