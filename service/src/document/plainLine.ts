import type { MappingNode, ScalarNode, SequenceNode, Tree, TreeNode } from './tree.js';

/** A word that YAML can only take for itself: it begins like no number, and has no mark that says more. */
const WORD = String.raw`[A-Za-z/](?:[\w./-]{0,199}[\w/])?`;
const LINE = new RegExp(`^ *(?:(-) +|([A-Za-z]\\w{0,199}): +)(${WORD}) *(?:\r?\n)?$`);
/** Words that stand for something else. */
const RESERVED = /^(?:null|true|false)$/i;

/**
 * The tree of a text of one line that is an item or an entry with a plain word, by far the most in a config, and most of what is
 * typed; null for every other text. The same as `parseYaml` gives, which takes many times as long.
 */
export function parsePlainLine(text: string): Tree | null {
  const [, dash, key, word = ''] = LINE.exec(text) ?? [];
  if (word === '' || RESERVED.test(word) || RESERVED.test(key ?? '')) return null;
  const start = text.indexOf(dash ?? key ?? '');
  const from = text.lastIndexOf(word);
  const place = { start: from, end: from + word.length, parent: null };
  const value: ScalarNode = { kind: 'scalar', value: word, quoted: false, ...place };
  const root = key === undefined ? itemAlone(value, start) : entryAlone(key, value, start);

  return { root, problems: [], comments: [], anchored: false, language: 'yaml' };
}

function itemAlone(item: ScalarNode, start: number): TreeNode {
  const list: SequenceNode = { kind: 'sequence', items: [item], start, end: item.end, parent: null };
  item.parent = list;
  return list;
}

function entryAlone(key: string, value: ScalarNode, start: number): TreeNode {
  const { end } = value;
  const mapping: MappingNode = { kind: 'mapping', entries: [], start, end, parent: null };
  const keySpan = { start, end: start + key.length };
  mapping.entries.push({ kind: 'entry', key, keySpan, start, end, value, parent: mapping });
  value.parent = mapping.entries[0]!;
  return mapping;
}
