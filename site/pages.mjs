// Lays the pages of docs/ into this folder: beside them there is no node_modules in which the site's parts would be found.
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
rmSync(here('.pages'), { recursive: true, force: true });
cpSync(here('../docs'), here('.pages'), { recursive: true });
// What VitePress copies as it is.
cpSync(here('../docs/images/icon.svg'), here('.pages/public/icon.svg'));
