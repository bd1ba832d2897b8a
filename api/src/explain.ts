import { DOCS_URL } from '@quantsmith/schemas';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What a code of a finding or an error means. */
export interface Explanation {
  readonly code: string;
  /** Markdown: severity, cause, and what to do. */
  readonly text: string;
  /** The page that says the same. */
  readonly url: string;
}

/** What a code means: a finding of `check`, or an error of a run. null: there is no such code. */
export function explain(code: string): Explanation | null {
  for (const page of PAGES) {
    const text = sectionsOf(page).get(code);
    if (text !== undefined) return { code, text, url: `${DOCS_URL}/${page}#${code}` };
  }

  return null;
}

/** Every code that can be explained. */
export function explainedCodes(): string[] {
  return PAGES.flatMap((page) => [...sectionsOf(page).keys()]);
}

const PAGES = ['diagnostics.md', 'errors.md'] as const;

/** The sections of a page of the user guide by their titles, which are codes; without the comments for its tools. */
function sectionsOf(page: string): Map<string, string> {
  const text = readFileSync(pagePath(page), 'utf8').replaceAll('\r\n', '\n');
  const sections = text
    .replaceAll(/<!--.*?-->\n+/g, '')
    .split(/^## /m)
    .slice(1);
  return new Map(
    sections.map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end).trim(), section.slice(end).trim()];
    }),
  );
}

/** The user guide lies beside the folder of the bundles; from source, at the root. */
function pagePath(page: string): string {
  const beside = fileURLToPath(new URL(`../docs/${page}`, import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL(`../../docs/${page}`, import.meta.url));
}
