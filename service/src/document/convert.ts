import { append } from '@quantsmith/schemas';
import type { ConfigDocument } from './document.js';
import { inline } from './edit.js';
import { entriesOf, resolved, valueOf, type Entry, type Span, type TreeNode } from './tree.js';

type Comment = Span & { readonly text: string };
const STEP = '  ';

/**
 * The same config in the other notation. Comments stay with their keys; aliases and merge keys, which JSON does not
 * have, are written out. null for a text with syntax errors, half a config is no config, and for one that is too large written out.
 */
export function convert(document: ConfigDocument): string | null {
  const { tree } = document;
  // Aliases of aliases of aliases fill the memory: what has no value has no other notation.
  if (tree.problems.length > 0 || valueOf(tree) === undefined) return null;
  const to = tree.language === 'json' ? 'yaml' : 'json';
  const printer = createPrinter(document, to);
  const body = printer.value(tree.root, '');
  const before = printer.head.map((line) => `${line}\n`).join('');
  const after = printer
    .rest('')
    .map((line) => `${line}\n`)
    .join('');

  return `${before}${body.trimStart()}\n${after}`;
}

/** The comments of a document in their order, each handed out once, in the notation of the other language. */
function commentQueue({ tree, text }: ConfigDocument, to: 'yaml' | 'json') {
  const comments = [...tree.comments];
  const lineOf = (offset: number) => text.positionAt(offset).line;
  const rewritten = ({ text: comment }: Comment): string[] => {
    const content = comment.replace(/^(#|\/\/|\/\*)/, '').replace(/\*\/$/, '');
    return content.split(/\r?\n/).map((line) => `${to === 'json' ? '//' : '#'} ${line.trim()}`.trimEnd());
  };

  return {
    /** The comments that start before an offset, each on its line. */
    take(offset: number, indent: string): string[] {
      const lines: string[] = [];
      while (comments[0] !== undefined && comments[0].start < offset)
        append(
          lines,
          rewritten(comments.shift()!).map((line) => indent + line),
        );
      return lines;
    },
    /** The comment behind something that ends at `offset`, on its line. */
    behind(offset: number): string {
      const [next] = comments;
      if (next === undefined || lineOf(next.start) !== lineOf(offset) || next.start < offset) return '';
      comments.shift();
      return ` ${rewritten(next).join(' ')}`;
    },
  };
}

function createPrinter(document: ConfigDocument, to: 'yaml' | 'json') {
  const comments = commentQueue(document, to);
  const value = (node: TreeNode | null, indent: string): string => {
    const target = resolved(node);
    if (target === null || target.kind === 'scalar') return inline(target?.value ?? null, to);
    const children = target.kind === 'sequence' ? target.items : entriesOf(target);
    if (children.length === 0) return target.kind === 'sequence' ? '[]' : '{}';
    const isTarget = node === target;
    if (
      target.kind === 'sequence' &&
      target.items.every((item) => resolved(item)?.kind === 'scalar') &&
      isShort(target)
    )
      return `[${target.items.map((item) => value(item, '')).join(', ')}]`;
    const inner = to === 'json' || indent !== '' || node?.parent !== null ? indent + STEP : indent;
    const lines = children.flatMap((child, index) => {
      // What comes in through an alias has its comments where it stands itself.
      const leading = isTarget && child.parent === target ? comments.take(child.start, inner) : [];
      const printed = child.kind === 'entry' ? entry(child, inner) : item(child, inner);
      const [first = '', ...more] = printed.split('\n');
      const comma = to === 'json' && index < children.length - 1 ? ',' : '';
      if (more.length > 0)
        return [...leading, `${inner}${first}`, ...more.slice(0, -1), `${more.at(-1)}${comma}`];
      const trailing = isTarget && child.parent === target ? comments.behind(child.end) : '';

      return [...leading, `${inner}${first}${comma}${trailing}`];
    });

    const last = isTarget ? comments.take(target.end, inner) : [];
    if (to === 'yaml') return `\n${[...lines, ...last].join('\n')}`;
    const [open, close] = target.kind === 'sequence' ? ['[', ']'] : ['{', '}'];

    return `${open}\n${[...lines, ...last].join('\n')}\n${indent}${close}`;
  };

  const entry = (child: Entry, indent: string): string => {
    const printed = value(child.value, indent);
    return `${inline(child.key, to)}:${printed.startsWith('\n') ? '' : ' '}${printed}`;
  };

  const item = (child: TreeNode, indent: string): string => {
    const printed = value(child, indent);
    if (to === 'json') return printed;
    return printed.startsWith('\n') ? `- ${printed.trimStart()}` : `- ${printed}`;
  };

  const head = comments.take(document.tree.root?.start ?? 0, '');

  return { head, value, rest: (indent: string) => comments.take(Number.POSITIVE_INFINITY, indent) };
}

/** Lists that fit on a line stay on it. */
const isShort = ({ start, end, items }: Span & { readonly items: readonly TreeNode[] }) =>
  end - start < 80 && items.every((item) => item.kind !== 'scalar' || typeof item.value !== 'string');
