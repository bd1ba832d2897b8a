// Puts the editors whose tests attach them to the language server in place: Debian's Neovim and Emacs.
import { installPackages } from '../debian.mjs';

installPackages([
  ['/usr/bin/nvim', 'neovim'],
  ['/usr/bin/emacs', 'emacs-nox', 'elpa-eglot'],
]);
