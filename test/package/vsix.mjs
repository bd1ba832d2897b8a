// The packages of the extension: what each holds and weighs (the table of docs/editors.md), and that the one without native
// parts checks configs and says what a run needs.
//
//   npm run package -- --all && node test/package/vsix.mjs
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../../scripts/bundle.mjs';
import { PLATFORMS } from '../../scripts/platforms.mjs';
import { checkContents, sizesOf } from '../e2e/contents.mjs';
import { initialize } from './languageServer.mjs';
import { unpack } from './unpack.mjs';

const BARE = 'universal';
const packages = [...PLATFORMS, BARE].map((target) => ({
  target,
  vsix: join(root, `quantsmith-${target}.vsix`),
}));
const missing = packages.filter(({ vsix }) => !existsSync(vsix));
if (missing.length > 0) {
  console.error(`npm run package -- --all makes ${missing.map(({ target }) => target).join(', ')}.`);
  process.exit(1);
}

const failures = packages.reduce((sum, { vsix }) => sum + checkContents(vsix).failed, 0);
await runsNowhere(packages.find(({ target }) => target === BARE).vsix);
console.log(table());
process.exit(failures === 0 ? 0 : 1);

/** Without native parts the server works, and a run is refused with what it needs. */
async function runsNowhere(vsix) {
  const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-bare-'));
  try {
    const extension = unpack(vsix, join(scratch, 'vsix'));
    const workspace = join(scratch, 'workspace');
    cpSync(join(extension, 'examples/digits'), workspace, { recursive: true });
    const config = join(workspace, 'digits.quant.yaml');
    const server = [join(extension, 'dist/server.cjs'), '--stdio'];
    const commands = [['quantsmith.server.run', pathToFileURL(config).href]];
    const told = await initialize(process.execPath, server, config, { commands }).then(
      () => 'It ran.',
      ({ message }) => message,
    );
    if (!told.includes('runtime-missing')) throw new Error(told);
    console.log(`  ok: ${BARE}: a run says: ${JSON.parse(told).message}`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function table() {
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  const rows = packages.map(({ target, vsix }) => {
    const { files, total, own, native } = sizesOf(vsix);
    return [`\`${target}\``, megabytes(total), megabytes(own), megabytes(native), String(files)];
  });

  return [['VSIX', 'whole', 'our own', 'native parts', 'files'], ['-', '-', '-', '-', '-'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
