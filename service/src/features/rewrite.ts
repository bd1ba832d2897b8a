import { type ConfigPath, below } from '@quantsmith/schemas';
import { CodeActionKind, type CodeAction } from 'vscode-languageserver-types';
import { difference, edited } from '../document/compose.js';
import type { ConfigDocument } from '../document/document.js';
import { removeKey, setValue, type Written } from '../document/edit.js';
import { findEntry, findNode, isShared, pathOf, resolved, walk, type TreeNode } from '../document/tree.js';
import { inheritedAt, NOTHING_INHERITED, type Inherited } from '../extends/inherit.js';
import { keysAt, schemaOf } from '../knowledge/schema.js';

/** Rewrites of the whole config that change nothing of what it means, over what it extends too. */
export function rewrites(document: ConfigDocument, inherited = NOTHING_INHERITED): CodeAction[] {
  if (document.tree.problems.length > 0) return [];
  const actions = [
    { title: 'Remove settings that are equal to their default', text: withoutDefaults(document, inherited) },
    { title: 'Write out all settings with their defaults', text: withDefaults(document, inherited) },
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
export function withoutDefaults(document: ConfigDocument, inherited = NOTHING_INHERITED): string {
  let current = document;
  for (let path = redundant(current, inherited); path !== null; path = redundant(current, inherited)) {
    const edits = removeKey(current, path);
    if (edits === null) break;
    current = edited(current, edits);
  }

  return current.text.getText();
}

/** The first key whose value is its default, and whose section does not become empty by taking it out. */
function redundant({ tree }: ConfigDocument, inherited: Inherited): ConfigPath | null {
  let target: ConfigPath | null = null;
  walk(tree.root, (node) => {
    if (target !== null || node.kind !== 'scalar' || node.parent?.kind !== 'entry') return;
    // At another place the same text may replace another default.
    if (node.anchor !== undefined || isShared(tree, node)) return;
    const path = pathOf(node);
    if (schemaOf(path)?.default !== node.value || path.length < 2) return;
    // Without it another value would come in from above.
    if (inheritedAt(inherited, path) !== null) return;
    // Accuracy control works by being there, even with defaults only.
    if (path[0] === 'accuracy_control' && leaves(findNode(tree, ['accuracy_control'])) === 1) return;
    target = path;
  });
  return target;
}

function leaves(section: TreeNode | null): number {
  let count = 0;
  walk(section, (node) => {
    if (node.kind !== 'mapping') count++;
  });
  return count;
}

/** The text with every setting of the sections that are there, and of `quantization`. */
export function withDefaults(document: ConfigDocument, inherited = NOTHING_INHERITED): string {
  let current = document;
  const fill = (path: ConfigPath): void => {
    const mapping = resolved(findNode(current.tree, path));
    if (mapping !== null && isShared(current.tree, mapping)) return;
    for (const { name, schema } of keysAt(path)) {
      const place = below(path, name);
      const entry = findEntry(current.tree, place);
      const sections =
        schema.properties !== undefined && [schema.type].flat().every((type) => type === 'object');

      if (sections && (entry === undefined || resolved(entry.value)?.kind === 'mapping')) fill(place);
      else if (entry === undefined && inheritedAt(inherited, place) === null && isScalar(schema.default)) {
        const edits = setValue(current, place, schema.default);
        if (edits !== null) current = edited(current, edits);
      }
    }
  };

  fill(['quantization']);
  if (resolved(findNode(current.tree, ['accuracy_control']))?.kind === 'mapping') fill(['accuracy_control']);

  return current.text.getText();
}

const isScalar = (value: unknown): value is Written =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value);
