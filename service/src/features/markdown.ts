/** A name of a model or file as code: nothing in it can become markup. */
export function code(text: string): string {
  const clean = text.replace(/[\r\n]+/g, ' ');
  const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  const space = /^`|`$/.test(clean) ? ' ' : '';
  return `${fence}${space}${clean}${space}${fence}`;
}

/** A piece of a config: nothing in it can end the block. */
export function codeBlock(source: string): string {
  const longest = Math.max(2, ...[...source.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}yaml\n${source}\n${fence}`;
}

/** The first of some names, and how many more there are. */
export function listed(names: readonly string[], most = 5): string {
  const first = names.slice(0, most).map(code).join(', ');
  return names.length > most ? `${first} and ${names.length - most} more` : first;
}

/** Markdown as it is, or without its marks for clients that show plain text. */
export function render(markdown: string, asMarkdown: boolean): string {
  if (asMarkdown) return markdown;
  const plain = markdown.replace(/^`{3,}\w*\n|\n`{3,}$/gm, '');
  return plain.replace(/\[([^\]]*)\]\(([^)]*)\)/g, '$1: $2').replace(/\*\*|`/g, '');
}
