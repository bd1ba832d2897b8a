// The docs as a site: the pages are those of docs/, as GitHub shows them too; this folder only arranges them.
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';

const { repository } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const REPOSITORY = repository.url.replace(/\.git$/, '');

/** The anchor that GitHub gives a heading: the pages link to each other by these, and both places must find them. */
const anchorOf = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

/** Links to files beside docs/ lead to the repository: they are no pages here. */
function linkFilesToRepository(md) {
  md.core.ruler.push('repository-links', (state) => {
    for (const token of state.tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href?.startsWith('../')) token.attrSet('href', `${REPOSITORY}/blob/main/${href.slice(3)}`);
    }
  });
}

const pages = (...entries) => entries.map(([text, page]) => ({ text, link: `/${page}` }));

const START = pages(['Your first int8 model', 'tutorial'], ['A config that fits your model', 'init']);
const HOW_TO = pages(
  ['Recipes', 'how-to'],
  ['Coming from other tools', 'coming-from'],
  ['Set up your editor', 'editors'],
  ['Find the layer that breaks', 'debug'],
  ['Configs that share a base', 'extends'],
  ['Compare settings', 'sweeps'],
  ['More than one machine', 'scale-out'],
);
const REFERENCE = pages(
  ['Config', 'config-reference'],
  ['Data and labels', 'data'],
  ['Metrics', 'metrics'],
  ['Loaders and metrics of your own', 'modules'],
  ['Diagnostics', 'diagnostics'],
  ['Errors', 'errors'],
  ['Command line', 'cli'],
  ['API', 'api'],
  ['Report', 'report'],
  ['Model view', 'model-view'],
  ['Editor features', 'features'],
  ['Models and exporters', 'compatibility'],
);
const EXPLANATION = pages(
  ['How quantization works', 'how-it-works'],
  ['CPUs that overflow', 'overflow'],
  ['How accuracy is restored', 'restoration'],
  ['Security', 'security'],
  ['Benchmarks', 'benchmarks'],
);

export default defineConfig({
  title: 'Quantsmith',
  description: 'Quantize ONNX models to int8 from a config that your editor checks while you type',
  srcDir: './.pages',
  outDir: './dist',
  cacheDir: './.cache',
  cleanUrls: true,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/icon.svg' }]],
  markdown: {
    anchor: { slugify: anchorOf },
    toc: { slugify: anchorOf },
    headers: { slugify: anchorOf },
    config: linkFilesToRepository,
    languageAlias: { cjs: 'js' },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/tutorial' },
      { text: 'How-to', items: HOW_TO },
      { text: 'Reference', items: REFERENCE },
      { text: 'Explanation', items: EXPLANATION },
    ],
    sidebar: [
      { text: 'Start', items: START },
      { text: 'How-to', items: HOW_TO },
      { text: 'Reference', items: REFERENCE },
      { text: 'Explanation', items: EXPLANATION },
    ],
    footer: { message: 'Apache-2.0' },
  },
});
