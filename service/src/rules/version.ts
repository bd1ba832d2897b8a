import type { ConfigDocument } from '../document/document.js';
import { findNode, type Span } from '../document/tree.js';
import type { Code, Finding } from '../findings/finding.js';

/** The version of the format that this program knows. */
const VERSION = 1;
/** Our schema by its URN or by the name of its file, with or without a version: `…:2`, `….v2.schema.json`, `…/v2/…`. */
const OURS = /quantization-config/;
const URN = 'urn:quantsmith:quantization-config';
const NUMBERED = /(?:[:./-]v?)(\d+)(?=[./-]|$)/g;
/** What a later version of the format may allow. */
const MAY_BE_NEW: ReadonlySet<Code> = new Set(['unknown-key', 'unknown-value', 'out-of-range']);

/**
 * `schema-version`: `$schema` (or the line that other YAML servers read) names another version of the format, or another
 * schema. What that may allow is not called wrong.
 */
export function versionFindings(document: ConfigDocument, schema: readonly Finding[]): Finding[] {
  const named = namedSchema(document);
  if (named === null) return [...schema];
  const ours = OURS.test(named.uri);
  const versions = [...named.uri.matchAll(NUMBERED)].map((match) => Number(match[1]));
  if (ours && versions.every((version) => version === VERSION)) return [...schema];
  const kept = schema.filter(({ code }) => !MAY_BE_NEW.has(code));
  const left = schema.length - kept.length;
  const what = ours
    ? `This config is of version ${versions.find((version) => version !== VERSION)} of the format; this program knows version ${VERSION}.`
    : `"${named.uri}" is not the schema of quantization configs (${URN}).`;
  const hidden =
    left === 0 ? '' : ` ${left} ${left === 1 ? 'finding is' : 'findings are'} left out for that.`;
  const { start, end } = named;
  const message = `${what}${hidden}`;
  return [
    ...kept,
    {
      code: 'schema-version',
      severity: 'warning',
      message,
      start,
      end,
      path: ['$schema'],
      data: { suggestions: named.own ? [URN] : [] },
    },
  ];
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
    const at = start + match.index + match[0].length - match[1]!.length;
    return { uri: match[1]!, start: at, end: at + match[1]!.length, own: false };
  }
  return null;
}
