import { ROOT } from './harness.mjs';

/** Bundles the mocha suite for an extension host. */
export function bundleSuite(esbuild) {
  return esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: { index: 'test/e2e/suite/index.ts', extension: 'test/e2e/suite/extension.ts' },
    outdir: 'test/e2e/out',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['vscode', 'mocha', './extension.cjs'],
    logLevel: 'warning',
  });
}
