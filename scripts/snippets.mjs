// Every fenced block of the pages, and what runs it: `npm run snippets` prints the list, test/tools/docs.test.ts holds it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The pages that users and contributors read. */
export const PAGES = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md'],
  'client/README.md',
  ...markdown('docs'),
  ...markdown('examples'),
  ...markdown('client/walkthrough'),
];

const page = (path, ...languages) => ({
  takes: (block) => block.page === `docs/${path}` && languages.includes(block.language),
});
const CONFIG_KEYS =
  /^(?:model|extends|output|data|task|quantization|accuracy_control|history|matrix|modules|objective):/;
const isConfig = ({ text }) =>
  text.split('\n').every((line) => CONFIG_KEYS.test(line) || /^(?:[\s#]|$)/.test(line));
/** Commands of a block; what they are piped or written into is left to a shell. */
export const commandsOf = ({ text }) =>
  text
    .split('\n')
    .map((line) => line.replace(/\s+(#|>>?|\|).*$/, '').trim())
    .filter((line) => line !== '');

/**
 * What runs a block, the first that takes it. `done`: run (as it stands), compared (with what comes out), checked (by `check`:
 * the model or the data of such a page are not here), read (by a parser of its language), or no (`why`).
 */
export const RUNNERS = [
  { by: 'test/tools/docs.test.ts', done: 'run', ...page('tutorial.md', 'sh', 'yaml') },
  { by: 'test/tools/docs.test.ts', done: 'compared', ...page('tutorial.md', 'text', 'python') },
  { by: 'test/package/run.mjs', done: 'run', ...page('api.md', 'js', 'cjs', 'ts') },
  { by: 'cli/test/modules.test.ts', done: 'run', ...page('modules.md', 'js', 'yaml') },
  {
    by: 'cli/test/texts.test.ts',
    done: 'run',
    takes: ({ page, text }) => page === 'docs/data.md' && text.startsWith('# texts'),
  },
  { by: 'cli/test/audio.test.ts', done: 'run', ...page('data.md', 'yaml') },
  { by: 'service/test/rules.test.ts', done: 'run', ...page('diagnostics.md', 'yaml') },
  { by: 'test/editors/neovim.test.ts', done: 'run', ...page('editors.md', 'lua') },
  { by: 'test/editors/emacs.test.ts', done: 'run', ...page('editors.md', 'elisp') },
  {
    by: 'test/editors/syntax.test.ts',
    done: 'read',
    why: 'no package registry has Helix, Sublime Text or Zed',
    ...page('editors.md', 'toml', 'json'),
  },
  {
    by: 'bench/walks.mjs',
    done: 'run',
    why: 'on the real models that the page lists',
    ...page('init.md', 'sh'),
  },
  {
    by: 'cli/test/overflow.test.ts',
    done: 'run',
    why: 'needs QEMU, which CI installs',
    ...page('overflow.md', 'sh'),
  },
  {
    by: null,
    done: 'no',
    why: 'needs Redis and a folder that machines share; scale/test/redis.test.ts and cli/test/shares.test.ts run the same commands',
    ...page('scale-out.md', 'sh'),
  },
  {
    by: 'test/tools/docs.test.ts',
    done: 'run',
    takes: ({ language, text }) => language === 'sh' && /^(npx )?quantsmith /m.test(text),
  },
  {
    by: 'test/tools/docs.test.ts',
    done: 'checked',
    why: 'models and data of the page are not in the repository',
    takes: (block) => block.language === 'yaml' && isConfig(block),
  },
  {
    by: 'test/tools/docs.test.ts',
    done: 'run',
    takes: ({ page, language }) => page === 'docs/how-to.md' && language === 'js',
  },
  {
    by: 'test/tools/workflows.test.ts',
    done: 'read',
    why: 'a workflow runs on GitHub; actionlint reads it, and the commands in it are among those that are run',
    takes: ({ page, language }) => language === 'yaml' && /^docs\/(how-to|report)\.md$/.test(page),
  },
  {
    by: '.ci/run',
    done: 'run',
    takes: ({ page, language, text }) => page === 'README.md' && language === 'sh' && /^npm start/.test(text),
  },
  {
    by: null,
    done: 'no',
    why: 'calls and configs of other tools, shown beside the config that they become',
    ...page('coming-from.md', 'python', 'json'),
  },
  {
    by: null,
    done: 'no',
    why: 'a picture, or a list of files',
    takes: ({ language }) => language === 'mermaid' || language === '',
  },
];

/** @returns every fenced block of a page, as a reader copies it */
export function blocksOf(path) {
  const text = readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n');

  return [...text.matchAll(/^( *)```(\w*)\n(.*?)^\1```/gms)].map((match) => {
    const [, indent = '', language = '', body = ''] = match;
    return {
      page: path,
      line: text.slice(0, match.index).split('\n').length,
      language,
      text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    };
  });
}

/** @returns each block of the pages beside its runner; undefined: nobody has said */
export function snippets() {
  return PAGES.flatMap(blocksOf).map((block) => ({
    block,
    runner: RUNNERS.find(({ takes }) => takes(block)),
  }));
}

function markdown(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const all = snippets();
  const counts = new Map();
  for (const { block, runner } of all) {
    const how = runner?.done ?? 'UNKNOWN';
    counts.set(how, (counts.get(how) ?? 0) + 1);
    const by = [runner?.by, runner?.why].filter(Boolean).join(': ');
    console.log(
      `${how.padEnd(9)} ${`${block.page}:${block.line}`.padEnd(32)} ${block.language.padEnd(7)} ${by}`,
    );
  }

  console.log(`\n${all.length} blocks: ${[...counts].map(([how, count]) => `${count} ${how}`).join(', ')}`);
}
