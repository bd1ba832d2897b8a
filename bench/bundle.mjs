// Bundles a TypeScript benchmark with the engine's sources into .tools/bench/, as the command line is bundled.
import * as esbuild from 'esbuild';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The path of the bundle. */
export async function bundle(source) {
  const outfile = `${root}.tools/bench/${basename(source, '.ts')}.mjs`;
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    external: ['onnxruntime-node', 'sharp'],
    // Packages that ask for a module of Node while they run.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return outfile;
}
