// Prints every text that a user can read, one per line with its place, to be read as a whole:
// node scripts/messages.mjs [WORD]. Of code: texts of at least two words in messages, titles, hovers and logs.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const manifest = JSON.parse(readFileSync(join(root, 'package.nls.json'), 'utf8'));
const [word] = process.argv.slice(2);

const TEXT_KEYS = /^(description|markdownDescription|title|label|contents|enumDescriptions)$/;

/** Texts of a JSON document under the keys that hold some. */
function* textsOfJson(value, keys = []) {
  if (typeof value === 'string' && keys.some((key) => TEXT_KEYS.test(key))) yield [keys.join('.'), value];
  if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) yield* textsOfJson(inner, [...keys, key]);
}

/** Texts of a source: what looks like words, with `…` for what is filled in. */
function* textsOfSource(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const found = [];
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) return;
    const text = ts.isStringLiteralLike(node)
      ? node.text
      : ts.isTemplateExpression(node)
        ? node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('')
        : '';

    if (/[a-z]{2,}[,:]? [a-z]/i.test(text)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      found.push([line + 1, text.replace(/\s+/g, ' ')]);
    }

    ts.forEachChild(node, visit);
  };

  visit(source);
  yield* found;
}

const sources = workspaces.flatMap((part) =>
  readdirSync(join(root, part, 'src'), { recursive: true })
    .filter((name) => name.endsWith('.ts') && !/generated|_pb\.ts$/.test(name))
    .map((name) => join(root, part, 'src', name)),
);
const schemas = readdirSync(join(root, 'schemas')).filter((name) => name.endsWith('.schema.json'));
const lines = [
  ...Object.entries(manifest).map(([key, text]) => `package.nls.json ${key}: ${text}`),
  ...schemas.flatMap((name) =>
    [...textsOfJson(JSON.parse(readFileSync(join(root, 'schemas', name), 'utf8')))].map(
      ([place, text]) => `schemas/${name} ${place}: ${text}`,
    ),
  ),
  ...sources.flatMap((file) =>
    [...textsOfSource(file)].map(([line, text]) => `${relative(root, file)}:${line}: ${text}`),
  ),
];
for (const line of lines) if (word === undefined || line.includes(word)) console.log(line);
