// The language servers that this one is compared with, installed once under .tools/bench/ in fixed versions.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The folder whose node_modules holds the packages. Throws with npm's words when they cannot be installed. */
export function installed(packages) {
  const hash = createHash('sha256').update(packages.join()).digest('hex').slice(0, 12);
  const folder = `${root}.tools/bench/npm-${hash}`;
  if (existsSync(`${folder}/complete`)) return folder;
  console.error(`Installing ${packages.join(', ')} (once) …`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, '{"name":"peers","private":true,"version":"0.0.0"}\n');
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages];
  const { status, stderr, error } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  writeFileSync(`${folder}/complete`, '');
  return folder;
}

/** The language server of this checkout, bundled as it is for the extension. */
export function builtServer() {
  const outdir = `${root}.tools/bench/lsp/dist`;
  const { status } = spawnSync(
    process.execPath,
    [`${root}scripts/build.mjs`, '--minify', '--outdir', outdir],
    { stdio: 'inherit' },
  );
  if (status !== 0) throw new Error('The language server could not be built.');
  // The page that codes link to lies beside, as in the extension.
  cpSync(`${root}docs`, `${outdir}/../docs`, { recursive: true });
  return `${outdir}/server.cjs`;
}
