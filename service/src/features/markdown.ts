import { markdownCode, markdownCodeBlock, markdownText } from '@quantsmith/schemas';

export { markdownCode as code };

/** Words out of a model or report: text that cannot be markup stays as it is. */
export const plain = (text: string) => (/^[\w ,.:()%+-]*$/.test(text) ? text : markdownText(text));

/** A piece of a config: nothing in it can end the block. */
export const codeBlock = (source: string) => markdownCodeBlock(source, 'yaml');

/** The first of some names, and how many more there are. */
export function listed(names: readonly string[], max = 5): string {
  const first = names.slice(0, max).map(markdownCode).join(', ');
  return names.length > max ? `${first} and ${names.length - max} more` : first;
}

/** Markdown as it is, or without its marks for clients that show plain text. */
export function render(markdown: string, asMarkdown: boolean): string {
  if (asMarkdown) return markdown;
  const bare = markdown.replace(/^`{3,}\w*\n|\n`{3,}$/gm, '');
  return bare
    .replace(/\[([^\]]*)\]\(([^)]*)\)/g, '$1: $2')
    .replace(/\*\*|`/g, '')
    .replace(/&#(\d+);/g, (_, point: string) => String.fromCodePoint(Number(point)));
}
