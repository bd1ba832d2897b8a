import { createHash } from 'node:crypto';
import { PAGE_SCRIPT } from './generated/pageScript.js';
import { markup, NOTHING, type Markup } from './markup.js';
import { STYLE } from './style.js';

/** What shows a page and takes its messages: a panel. A page without one is a file, which asks for nothing. */
export interface PageHost {
  /** Of the policy, new for each page: the only script and style that run. */
  readonly nonce: string;
  /** What the page leaves with its panel, so that a reloaded window can show it again. */
  readonly state: Readonly<Record<string, unknown>>;
}

export interface PageParts {
  readonly title: string;
  readonly subtitle: string;
  readonly body: Markup;
  readonly host?: PageHost;
  /** A script and style of the page's own, after those that all pages have. */
  readonly script?: string;
  readonly style?: string;
  /** A script in a file of the host, in place of those: for pages that load further parts when they are asked for. */
  readonly module?: PageModule;
}

/** A module that a panel can load. */
export interface PageModule {
  readonly address: string;
  /** Where it and what it fetches come from, as a source of the policy. */
  readonly source: string;
}

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/**
 * A page that needs nothing but itself: its policy allows one style and one script, in a file by their hashes, in a panel by
 * its nonce (and pictures that the script makes of charts). Everything is readable without the script. A module may load what
 * belongs to it, and make workers of it.
 */
export function page(parts: PageParts): string {
  const { title, subtitle, body, host, script = '', style = '', module } = parts;
  const [code, look] = [PAGE_SCRIPT + script, STYLE + style];
  const allowed = (text: string) => (host === undefined ? hashOf(text) : `'nonce-${host.nonce}'`);
  const policy = [
    "default-src 'none'",
    `style-src ${allowed(look)}`,
    `script-src ${allowed(code)}${module === undefined ? '' : " 'strict-dynamic'"}`,
    ...(module === undefined ? [] : [`connect-src ${module.source}`, 'worker-src blob:']),
    ...(host === undefined ? [] : ['img-src data:']),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

  const run =
    module === undefined
      ? (nonce: Markup) => markup`<script${nonce}>${{ html: code }}</script>`
      : (nonce: Markup) => markup`<script type="module"${nonce} src="${module.address}"></script>`;
  const nonce = host === undefined ? NOTHING : markup` nonce="${host.nonce}"`;
  const state = host === undefined ? NOTHING : markup` data-state="${JSON.stringify(host.state)}"`;

  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${{ html: policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="quantsmith">
<title>${title}: ${subtitle}</title>
<style${nonce}>${{ html: look }}</style>
</head>
<body>
<main${state}>
<h1>${title}</h1>
<p class="quiet">${subtitle}</p>
${body}</main>
${run(nonce)}
</body>
</html>
`.html;
}
