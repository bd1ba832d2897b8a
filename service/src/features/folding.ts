import {
  FoldingRangeKind,
  type FoldingRange,
  type Position,
  type SelectionRange,
} from 'vscode-languageserver-types';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import { nodeAt, walk, type Entry, type Span, type TreeNode } from '../document/tree.js';

/** Mappings and lists over several lines, and comments of several lines; at most `limit`, the outermost first. */
export function foldingRanges(document: ConfigDocument, limit = 5000): FoldingRange[] {
  const text = document.text.getText();
  const ranges: FoldingRange[] = [];
  const add = (span: Span, kind?: FoldingRangeKind) => {
    const startLine = document.text.positionAt(span.start).line;
    const content = text.slice(0, span.end).trimEnd().length;
    const endLine = document.text.positionAt(Math.max(content, span.start)).line;
    if (endLine > startLine) ranges.push({ startLine, endLine, ...(kind === undefined ? {} : { kind }) });
  };

  walk(document.tree.root, (node) => {
    if (node.kind === 'mapping')
      node.entries.filter((entry) => isCollection(entry.value)).forEach((entry) => add(entry));
    else if (node.kind === 'sequence') node.items.filter(isCollection).forEach((item) => add(item));
  });
  for (const block of commentBlocks(document)) add(block, FoldingRangeKind.Comment);

  return ranges.sort((a, b) => a.startLine - b.startLine || b.endLine - a.endLine).slice(0, limit);
}

const isCollection = (node: TreeNode | null) => node?.kind === 'mapping' || node?.kind === 'sequence';

/** Comments on lines of their own that follow each other. */
function commentBlocks({ tree, text }: ConfigDocument): Span[] {
  const blocks: { start: number; end: number; line: number }[] = [];
  for (const comment of tree.comments) {
    const { line, character } = text.positionAt(comment.start);
    const before = text.getText({ start: { line, character: 0 }, end: { line, character } });
    if (before.trim() !== '') continue;
    const last = blocks.at(-1);
    const endLine = text.positionAt(comment.end).line;
    if (last?.line === line - 1) Object.assign(last, { end: comment.end, line: endLine });
    else blocks.push({ start: comment.start, end: comment.end, line: endLine });
  }

  return blocks;
}

/** From the value or key under the cursor outwards to the whole document. */
export function selectionRanges(document: ConfigDocument, positions: readonly Position[]): SelectionRange[] {
  const text = document.text.getText();
  return positions.map((position) => {
    const spans: Span[] = [];
    const offset = document.text.offsetAt(position);
    let node: TreeNode | Entry | null = nodeAt(document.tree, offset);
    if (node?.kind === 'entry' && offset <= node.keySpan.end) spans.push(node.keySpan);
    for (; node !== null; node = node.parent)
      spans.push({ start: node.start, end: text.slice(0, node.end).trimEnd().length });
    spans.push({ start: 0, end: text.length });
    const distinct = spans.filter((span, index) => {
      const inner = spans[index - 1];
      return inner === undefined || span.start < inner.start || span.end > inner.end;
    });

    return distinct.reduceRight<SelectionRange | undefined>(
      (parent, span) => ({ range: rangeOf(document, span), ...(parent === undefined ? {} : { parent }) }),
      undefined,
    )!;
  });
}
