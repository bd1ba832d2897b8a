import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { NAMED_PATHS } from '@quantsmith/schemas';
import type { TextEdit } from 'vscode-languageserver-types';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import { inline, quoted } from '../document/edit.js';
import { findEntry, type ScalarNode } from '../document/tree.js';

/** A file or folder that gets another place; both absolute. */
export interface Move {
  readonly from: string;
  readonly to: string;
}

/**
 * The edits that let the paths of a config at `file` lead to where they led before some files and folders, the config itself
 * perhaps among them, got other places.
 */
export function movedPaths(document: ConfigDocument, file: string, moves: readonly Move[]): TextEdit[] {
  const movedTo = (path: string) => {
    const move = moves.find(({ from }) => path === from || path.startsWith(from + sep));
    return move === undefined ? path : move.to + path.slice(move.from.length);
  };

  const before = dirname(file);
  const after = dirname(movedTo(file));

  return NAMED_PATHS.flatMap(({ path }) => {
    const node = findEntry(document.tree, path)?.value;
    if (node?.kind !== 'scalar' || typeof node.value !== 'string' || node.value === '') return [];
    // A metric is a name, or a path that begins with a dot.
    if (path.at(-1) === 'metric' && !node.value.includes('/')) return [];
    if (path[0] === '$schema' && !node.value.startsWith('.')) return [];
    const { value: written } = node;
    const target = resolve(before, written);
    const next = movedTo(target);
    if (next === target && (after === before || isAbsolute(written))) return [];

    return [
      { range: rangeOf(document, node), newText: inQuotesOf(document, node, pathTo(next, after, written)) },
    ];
  });
}

/** A path from a folder in the style of the one before: absolute, with `./` or without, with a slash at its end. */
function pathTo(target: string, folder: string, written: string): string {
  if (isAbsolute(written)) return target;
  const path = relative(folder, target).replaceAll(sep, '/') || '.';
  const isBelow = !path.startsWith('.');
  return `${isBelow && written.startsWith('./') ? './' : ''}${path}${written.endsWith('/') ? '/' : ''}`;
}

function inQuotesOf({ text, tree }: ConfigDocument, node: ScalarNode, path: string): string {
  if (tree.language === 'json') return inline(path, 'json');
  const quote = text.getText().charAt(node.start);
  return quoted(path, node.quoted && (quote === '"' || quote === "'") ? quote : '');
}
