import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { EXTENSION_BUNDLES, NPM_BUNDLES, root } from '../../scripts/bundle.mjs';

/** The native packages that a bundle requires. */
async function nativeParts(entry: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    outdir: 'unused',
    metafile: true,
    platform: 'node',
    format: 'cjs',
    external: ['vscode', 'onnxruntime-node', 'sharp'],
    define: { 'import.meta.url': 'undefined' },
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return imports.map(({ path }) => path).filter((path) => ['onnxruntime-node', 'sharp'].includes(path));
}

/** Natives crash, block and take memory: the editor's host, the server, the command line and the API load none. */
describe('bundles', () => {
  it.each(Object.entries({ ...EXTENSION_BUNDLES, ...NPM_BUNDLES }))(
    '%s loads native parts only if it is the engine',
    async (name, entry) => {
      const isEngine = name === 'engine' || name === 'worker';
      expect((await nativeParts(entry)).includes('onnxruntime-node')).toBe(isEngine);
      if (!isEngine) expect(await nativeParts(entry)).toEqual([]);
    },
  );
});
