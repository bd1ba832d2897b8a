import type { ConfigDocument } from '../document/document.js';
import { findNode, type Span } from '../document/tree.js';

/** The version of the format that this program knows. */
export const VERSION = 1;
/** Our schema by its URN or by the name of its file, with or without a version: `…:2`, `….v2.schema.json`, `…/v2/…`. */
const OURS = /quantization-config/;
export const URN = 'urn:quantsmith:quantization-config';
const NUMBERED = /(?:[:./-]v?)(\d+)(?=[./-]|$)/g;

/** The schema that a config names, where it is not this version of ours. */
export interface ForeignSchema extends Span {
  readonly uri: string;
  /** Whether the config says so itself, not a comment. */
  readonly own: boolean;
  /** Another version of our format; null: another schema. */
  readonly version: number | null;
}

/** The schema of a config that names another one; null for configs of this version. */
export function foreignSchema(document: ConfigDocument): ForeignSchema | null {
  const named = namedSchema(document);
  if (named === null) return null;
  const isOurs = OURS.test(named.uri);
  const versions = [...named.uri.matchAll(NUMBERED)].map((match) => Number(match[1]));
  const other = versions.find((version) => version !== VERSION);
  if (isOurs && other === undefined) return null;
  return { ...named, version: isOurs ? (other ?? null) : null };
}

function namedSchema({
  tree,
}: ConfigDocument): (Span & { readonly uri: string; readonly own: boolean }) | null {
  const node = findNode(tree, ['$schema']);
  if (node?.kind === 'scalar' && typeof node.value === 'string' && node.value !== '')
    return { uri: node.value, start: node.start, end: node.end, own: true };
  for (const { text, start } of tree.comments) {
    const match = /yaml-language-server:\s*\$schema\s*[=:]\s*(\S+)/.exec(text);
    if (match === null) continue;
    const offset = start + match.index + match[0].length - match[1]!.length;
    return { uri: match[1]!, start: offset, end: offset + match[1]!.length, own: false };
  }

  return null;
}
