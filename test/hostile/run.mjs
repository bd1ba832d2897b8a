// The campaign of hostile input, as long as you like: npm run soak:hostile -- --kind kills --cases 300 [--minutes 60]
// [--seed 1]. Kinds: models, data, check, run, kills. Continues where it stopped: .tools/hostile.json is the ledger of seeds and of what they found.
import * as esbuild from 'esbuild';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const outdir = `${root}.tools/hostile`;
await esbuild.build({
  absWorkingDir: root,
  entryPoints: ['test/hostile/main.ts', 'test/hostile/runProcess.ts'],
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  mainFields: ['module', 'main'],
  external: ['onnxruntime-node', 'sharp'],
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  logLevel: 'warning',
});
const dist = `${outdir}/dist`;
spawnSync(process.execPath, ['scripts/build.mjs', '--outdir', dist], { cwd: root, stdio: 'inherit' });
const { stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' });
const { status } = spawnSync(
  process.execPath,
  [
    `${outdir}/main.mjs`,
    root,
    `${dist}/cli.cjs`,
    '--commit',
    stdout?.trim() || 'unknown',
    ...process.argv.slice(2),
  ],
  {
    stdio: 'inherit',
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  },
);
process.exit(status ?? 1);
