// Prints lines, functions, blank lines inside functions, and exceptions to the rules for each part of a checkout:
// node scripts/figures.mjs [FOLDER]. With --check it fails where exceptions are more than scripts/budget.json allows.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const home = fileURLToPath(new URL('..', import.meta.url));
const folders = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const root = resolve(folders[0] ?? home);
const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

function sourcesOf(part) {
  const folder = join(root, part, 'src');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts') && !/generated|_pb\.ts$/.test(name))
    .map((name) => join(folder, name));
}

/** Names of operators as the one table of operators has them. */
function operatorNames() {
  const table = join(root, 'model/src/operators/table.ts');
  if (!existsSync(table)) return new Set();
  return new Set([...readFileSync(table, 'utf8').matchAll(/^ {2}(\w+): row\(/gm)].map(([, name]) => name));
}

const OPERATORS = operatorNames();

/** Whether a node of the source asks for an operator by its name: what is known of operators belongs in the table. */
const asksForOperator = (node) =>
  ts.isBinaryExpression(node) &&
  /^[!=]==$/.test(node.operatorToken.getText()) &&
  ts.isStringLiteral(node.right) &&
  /^[A-Z]/.test(node.right.text) &&
  /(^|\.)op(Type)?$/.test(node.left.getText());

/** Whether it lists several: in an array, a pattern, or the cases of a switch. */
function listsOperators(node) {
  const names = ts.isArrayLiteralExpression(node)
    ? node.elements.filter(ts.isStringLiteral).map(({ text }) => text)
    : node.kind === ts.SyntaxKind.RegularExpressionLiteral
      ? node.getText().split(/\W+/)
      : ts.isCaseBlock(node)
        ? node.clauses.flatMap(({ expression }) =>
            expression && ts.isStringLiteral(expression) ? [expression.text] : [],
          )
        : [];

  return names.filter((name) => OPERATORS.has(name)).length >= 2;
}

/** Lines of every function with a block body, the blank ones among them, those of inner functions included; assertions. */
function functionsOf(path) {
  const text = readFileSync(path, 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = [];
  let [nonNull, asked, listed] = [0, 0, 0];
  const isTable = path.includes('/model/src/operators/');
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body !== undefined && ts.isBlock(node.body)) {
      const lines = text.slice(node.getStart(), node.end).split('\n');
      found.push({ lines: lines.length, blank: lines.filter((line) => line.trim() === '').length });
    }

    if (ts.isNonNullExpression(node)) nonNull++;
    if (!isTable && asksForOperator(node)) asked++;
    if (!isTable && listsOperators(node)) listed++;
    ts.forEachChild(node, visit);
  };

  visit(source);
  return { found, nonNull, asked, listed };
}

const EXCEPTIONS = {
  'eslint-disable': /eslint-disable/g,
  'as unknown as': /\bas unknown as\b/g,
};
const count = (texts, pattern) => texts.reduce((sum, text) => sum + (text.match(pattern)?.length ?? 0), 0);
const total = (items, key) => items.reduce((sum, item) => sum + item[key], 0);
const quantile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

function row(name, files) {
  const texts = files.map((file) => readFileSync(file, 'utf8'));
  const read = files.map(functionsOf);
  const functions = read.flatMap(({ found }) => found);
  const sorted = functions.map(({ lines }) => lines).sort((a, b) => a - b);
  const [lines, blank] = ['lines', 'blank'].map((key) => total(functions, key));
  return {
    name,
    files: files.length,
    lines: texts.reduce((sum, text) => sum + text.split('\n').length - 1, 0),
    functions: functions.length,
    median: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    longest: sorted.at(-1) ?? 0,
    'blank %': Number(((100 * blank) / Math.max(1, lines)).toFixed(1)),
    ...Object.fromEntries(Object.entries(EXCEPTIONS).map(([key, pattern]) => [key, count(texts, pattern)])),
    'non-null !': total(read, 'nonNull'),
    'operator by name': total(read, 'asked'),
    'operator lists': total(read, 'listed'),
  };
}

const rows = [
  ...workspaces.map((part) => row(part, sourcesOf(part))),
  row('all', workspaces.flatMap(sourcesOf)),
];
console.table(Object.fromEntries(rows.map(({ name, ...figures }) => [name, figures])));

/** How often each file names operators outside their table, comparisons and lists together. */
function namedOperators() {
  return workspaces.flatMap(sourcesOf).flatMap((path) => {
    const { asked, listed } = functionsOf(path);
    const file = relative(root, path).replaceAll('\\', '/');
    return asked + listed === 0 ? [] : [{ file, times: asked + listed }];
  });
}

if (process.argv.includes('--operators'))
  for (const { file, times } of namedOperators()) console.log(`${file}: ${times}`);

if (process.argv.includes('--check')) {
  const budget = JSON.parse(readFileSync(join(home, 'scripts/budget.json'), 'utf8'));
  const over = Object.entries(budget).filter(([key, limit]) => rows.at(-1)[key] > limit);
  for (const [key, limit] of over)
    console.error(`${key}: ${rows.at(-1)[key]}, but scripts/budget.json allows ${limit}.`);

  // What is true of an operator by its type belongs in the table; who names one elsewhere says why.
  const reasons = JSON.parse(readFileSync(join(home, 'scripts/operatorNames.json'), 'utf8'));
  const unexplained = namedOperators().filter(({ file, times }) => times > (reasons[file]?.[0] ?? 0));
  for (const { file, times } of unexplained)
    console.error(
      `${file} names operators ${times} times, scripts/operatorNames.json allows ${reasons[file]?.[0] ?? 0}.`,
    );
  process.exit(over.length + unexplained.length === 0 ? 0 : 1);
}
