import { CodeActionKind, type CodeAction, type TextEdit } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parseConfig, type ConfigDocument } from '../document/document.js';
import { removeKey, setValue, type Written } from '../document/edit.js';
import { findEntry, findNode, pathOf, resolved, walk, type Path, type TreeNode } from '../document/tree.js';
import { keysAt, schemaOf } from '../knowledge/schema.js';

/** Rewrites of the whole config that change nothing of what it means. */
export function rewrites(document: ConfigDocument): CodeAction[] {
  if (document.tree.problems.length > 0) return [];
  const actions = [
    { title: 'Remove settings that are equal to their default', text: withoutDefaults(document) },
    { title: 'Write out all settings with their defaults', text: withDefaults(document) },
  ];
  return actions.flatMap(({ title, text }) => {
    const edit = difference(document, text);
    if (edit === null) return [];
    return [
      { title, kind: CodeActionKind.RefactorRewrite, edit: { changes: { [document.text.uri]: [edit] } } },
    ];
  });
}

/** The text without keys that say what holds anyway. Sections that decide by being there stay. */
export function withoutDefaults(document: ConfigDocument): string {
  let current = document;
  for (let path = redundant(current); path !== null; path = redundant(current)) {
    const edits = removeKey(current, path);
    if (edits === null) break;
    current = changed(current, edits);
  }
  return current.text.getText();
}

/** The first key whose value is its default, and whose section does not become empty by taking it out. */
function redundant({ tree }: ConfigDocument): Path | null {
  let found: Path | null = null;
  walk(tree.root, (node) => {
    if (found !== null || node.kind !== 'scalar' || node.parent?.kind !== 'entry') return;
    if (node.anchor !== undefined) return;
    const path = pathOf(node);
    if (schemaOf(path)?.default !== node.value || path.length < 2) return;
    // Accuracy control works by being there, even with defaults only.
    if (path[0] === 'accuracy_control' && leaves(findNode(tree, ['accuracy_control'])) === 1) return;
    found = path;
  });
  return found;
}

function leaves(section: TreeNode | null): number {
  let count = 0;
  walk(section, (node) => {
    if (node.kind !== 'mapping') count++;
  });
  return count;
}

/** The text with every setting of the sections that are there, and of `quantization`. */
export function withDefaults(document: ConfigDocument): string {
  let current = document;
  const fill = (path: Path): void => {
    for (const { name, schema } of keysAt(path)) {
      const below = [...path, name];
      const entry = findEntry(current.tree, below);
      const sections =
        schema.properties !== undefined && [schema.type].flat().every((type) => type === 'object');
      if (sections && (entry === undefined || resolved(entry.value)?.kind === 'mapping')) fill(below);
      else if (entry === undefined && isScalar(schema.default)) {
        const edits = setValue(current, below, schema.default);
        if (edits !== null) current = changed(current, edits);
      }
    }
  };
  fill(['quantization']);
  if (resolved(findNode(current.tree, ['accuracy_control']))?.kind === 'mapping') fill(['accuracy_control']);
  return current.text.getText();
}

const isScalar = (value: unknown): value is Written =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value);

function changed({ text }: ConfigDocument, edits: TextEdit[]): ConfigDocument {
  const after = TextDocument.applyEdits(text, edits);
  return parseConfig(TextDocument.create(text.uri, text.languageId, text.version, after));
}

/** One edit for everything between the first and the last difference; null where there is none. */
function difference({ text }: ConfigDocument, after: string): TextEdit | null {
  const before = text.getText();
  if (before === after) return null;
  let start = 0;
  while (start < before.length && before[start] === after[start]) start++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - start;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return {
    range: { start: text.positionAt(start), end: text.positionAt(before.length - tail) },
    newText: after.slice(start, after.length - tail),
  };
}
