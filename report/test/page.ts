import { parse, type DefaultTreeAdapterTypes } from 'parse5';

type Node = DefaultTreeAdapterTypes.ChildNode;
export type Element = DefaultTreeAdapterTypes.Element;

/** A page as HTML's own parser reads it, with every error that the parser finds. */
export function parsePage(html: string): { elements: Element[]; errors: string[] } {
  const errors: string[] = [];
  const document = parse(html, { onParseError: (error) => errors.push(error.code) });
  return { elements: document.childNodes.flatMap(elementsOf), errors };
}

function elementsOf(node: Node): Element[] {
  return 'tagName' in node ? [node, ...node.childNodes.flatMap(elementsOf)] : [];
}

export function attribute(element: Element, name: string): string | undefined {
  return element.attrs.find((candidate) => candidate.name === name)?.value;
}

/** All text in an element. */
export function textOf(node: Node): string {
  if (node.nodeName === '#text') return (node as DefaultTreeAdapterTypes.TextNode).value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}

/** What a person reads of a page, with a space between cells. */
export function pageText(html: string): string {
  return html
    .replace(/<(style|title|script)[\s\S]*?<\/\1>/g, '')
    .replace(/<\/?(?:code|span|strong)[^>]*>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
}
