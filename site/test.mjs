// Builds the site as it is published, and follows every link of it: to a page, and to the heading that it names.
//
//   node site/test.mjs
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const site = fileURLToPath(new URL('.', import.meta.url));
const dist = join(site, 'dist');

function npm(...args) {
  const { status } = spawnSync('npm', args, {
    cwd: site,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(1);
}

/** The file that a path of the site shows: pages are told without their ending. */
const fileOf = (path) =>
  [path, `${path}.html`, join(path, 'index.html')].find(
    (file) => existsSync(join(dist, file)) && /\.\w+$/.test(file),
  );

const pages = () => readdirSync(dist).filter((name) => name.endsWith('.html') && name !== '404.html');

/** Links of a page that lead nowhere. */
function deadLinks(page) {
  const text = readFileSync(join(dist, page), 'utf8');
  const links = [...text.matchAll(/<(?:a|img)\b[^>]*?\s(?:href|src)="([^"]+)"/g)].map(([, link]) => link);
  const inside = links.filter((link) => !/^[a-z]+:/i.test(link));
  const dead = inside.filter((link) => {
    const { pathname, hash } = new URL(link, `http://site/${page}`);
    const file = fileOf(decodeURIComponent(pathname.slice(1)) || 'index.html');
    if (file === undefined) return true;
    return (
      hash !== '' &&
      !readFileSync(join(dist, file), 'utf8').includes(`id="${decodeURIComponent(hash.slice(1))}"`)
    );
  });
  return { count: inside.length, dead: dead.map((link) => `${page}: ${link}`) };
}

npm('ci');
npm('run', 'build');
const found = pages().map(deadLinks);
const dead = found.flatMap((page) => page.dead);
const links = found.reduce((sum, { count }) => sum + count, 0);
console.log(`${found.length} pages, ${links} links inside, ${dead.length} dead`);
for (const link of dead) console.error(`  ${link}`);
process.exitCode = dead.length > 0 || found.length === 0 ? 1 : 0;
