import {
  type DocumentHighlight,
  type Location,
  type Position,
  type Range,
  type WorkspaceEdit,
  DocumentHighlightKind,
} from 'vscode-languageserver-types';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import { anchorsOf, walk, type Anchor, type Span } from '../document/tree.js';

/** An anchor with the aliases that lead to it (an anchor of the same name further down starts anew). */
interface Occurrences {
  readonly name: string;
  readonly anchor: Anchor;
  readonly aliases: readonly Span[];
}

function occurrencesAt(document: ConfigDocument, position: Position): Occurrences | null {
  const offset = document.text.offsetAt(position);
  const inside = (span: Span) => span.start <= offset && offset <= span.end;
  for (const { anchor, node } of anchorsOf(document.tree)) {
    const aliases: Span[] = [];
    walk(document.tree.root, (other) => {
      if (other.kind === 'alias' && other.target === node) aliases.push(other);
    });
    if (inside(anchor) || aliases.some(inside)) return { name: anchor.name, anchor, aliases };
  }

  return null;
}

export function definition(document: ConfigDocument, position: Position): Location | null {
  const occurrences = occurrencesAt(document, position);
  return occurrences === null
    ? null
    : { uri: document.text.uri, range: rangeOf(document, occurrences.anchor) };
}

export function references(document: ConfigDocument, position: Position, withAnchor: boolean): Location[] {
  const occurrences = occurrencesAt(document, position);
  if (occurrences === null) return [];
  const spans = withAnchor ? [occurrences.anchor, ...occurrences.aliases] : occurrences.aliases;
  return spans.map((span) => ({ uri: document.text.uri, range: rangeOf(document, span) }));
}

export function highlights(document: ConfigDocument, position: Position): DocumentHighlight[] {
  const occurrences = occurrencesAt(document, position);
  if (occurrences === null) return [];
  return [
    { range: rangeOf(document, occurrences.anchor), kind: DocumentHighlightKind.Write },
    ...occurrences.aliases.map((span) => ({
      range: rangeOf(document, span),
      kind: DocumentHighlightKind.Read,
    })),
  ];
}

/** The name without its & or *, which a rename replaces; null where nothing can be renamed. */
export function prepareRename(
  document: ConfigDocument,
  position: Position,
): { range: Range; placeholder: string } | null {
  const occurrences = occurrencesAt(document, position);
  const offset = document.text.offsetAt(position);
  const span = [occurrences?.anchor, ...(occurrences?.aliases ?? [])].find(
    (candidate) => candidate !== undefined && candidate.start <= offset && offset <= candidate.end,
  );

  if (occurrences === null || span === undefined) return null;

  return { range: rangeOf(document, nameOf(span)), placeholder: occurrences.name };
}

/** The edits of a rename; null when the new name is none that YAML takes, or another anchor has it. */
export function rename(document: ConfigDocument, position: Position, newName: string): WorkspaceEdit | null {
  const occurrences = occurrencesAt(document, position);
  if (occurrences === null || !/^[^\s[\]{},&*#!|>'"%@`]+$/.test(newName)) return null;
  // Another anchor of that name would take over the aliases of one of the two.
  if (anchorsOf(document.tree).some(({ anchor }) => anchor !== occurrences.anchor && anchor.name === newName))
    return null;
  const edits = [occurrences.anchor, ...occurrences.aliases].map((span) => ({
    range: rangeOf(document, nameOf(span)),
    newText: newName,
  }));

  return { changes: { [document.text.uri]: edits } };
}

const nameOf = ({ start, end }: Span): Span => ({ start: start + 1, end });
