import { basename, dirname, resolve } from 'node:path';
import type { ConfigDocument } from '../document/document.js';
import { findNode } from '../document/tree.js';
import { kindOf, type FileFacts } from '../facts/facts.js';
import { namedPaths, type NamedPath } from '../facts/namedPaths.js';
import type { Finding } from '../findings/finding.js';
import { placeOf } from './place.js';
import { nearest } from './nearest.js';
import { defineRule } from './rule.js';

/** Keys that name a folder, or a file that stands for one. */
const FOLDERS: ReadonlySet<string> = new Set(['images', 'tensors', 'audio']);
/** Keys that name either: labels may be a table, or a folder of text files or masks. */
const EITHER: ReadonlySet<string> = new Set(['labels']);

/**
 * `model-missing`, `file-missing`: a path of the config leads nowhere, or to what cannot be read as it should be.
 * `baseDir`: the config's folder; `value`: the config with what it inherits.
 */
function fileFindings(
  document: ConfigDocument,
  baseDir: string,
  value: unknown,
  facts: FileFacts,
): Finding[] {
  return namedPaths(value, baseDir).flatMap((named): Finding[] => {
    const { path, written, file } = named;
    const problem = problemOf(named, facts);
    if (problem === null) return [];

    const node = findNode(document.tree, path);
    const missing = kindOf(facts, file) === 'missing';
    const suggestions = missing ? similarFiles(baseDir, written, facts) : [];
    const isAlike = suggestions.length > 0 && !WILDCARD.test(written);
    const message = isAlike ? `${problem} Did you mean "${suggestions[0]}"?` : problem;
    const { start, end } = node ?? placeOf(document, path);

    return [
      {
        code: path[0] === 'model' ? 'model-missing' : 'file-missing',
        severity: 'error',
        message,
        start,
        end,
        path,
        data: { file, suggestions: node === null ? [] : suggestions },
      },
    ];
  });
}

function problemOf({ path, written, file }: NamedPath, facts: FileFacts): string | null {
  const key = String(path.at(-1));
  switch (kindOf(facts, file)) {
    case 'missing':
      return `${described(key)} "${written}" does not exist.${notExpanded(written)}`;
    case 'other':
      return `"${written}" is a device, a pipe or a socket, not a file.`;
    case 'folder':
      return FOLDERS.has(key) || EITHER.has(key) ? null : `"${written}" is a folder, not a file.`;
    default:
      return null;
  }
}

/** What shells and other tools do with a path and a config does not, as a sentence. */
export function notExpanded(written: string): string {
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(written)) return ' URLs are not fetched: name a file on this machine.';
  if (/^~(\/|$)/.test(written))
    return ' "~" is not expanded: write the whole path, or one relative to this config.';
  if (/\$\w|\$\{|%\w+%/.test(written)) return ' Environment variables are not expanded: write out the path.';
  return WILDCARD.test(written)
    ? ' Wildcards are not expanded: name a folder, and everything in it is read.'
    : '';
}

const WILDCARD = /[*?]|\[[^\]]+\]/;

function described(key: string): string {
  if (key === 'model') return 'The model';
  if (key === 'metric') return 'The module';
  if (key === 'alphabet') return 'The alphabet';
  if (key === 'classes') return 'The list of classes';
  return FOLDERS.has(key) ? 'The folder' : 'The file';
}

/** Paths in the same folder that a misspelled one may mean. */
export function similarFiles(baseDir: string, written: string, { listings }: FileFacts): string[] {
  const wildcard = WILDCARD.exec(written)?.index ?? -1;
  if (wildcard >= 0) return folderBefore(baseDir, written.slice(0, wildcard), listings);
  const slash = written.lastIndexOf('/') + 1;
  const entries = listings.get(dirname(resolve(baseDir, `${written.slice(0, slash)}x`))) ?? [];
  const names = entries.map(({ name }) => name);
  const name = written.slice(slash);
  // A name without its extension is further from it than a misspelt one.
  const extended = name === '' ? [] : names.filter((other) => other.startsWith(`${name}.`)).slice(0, 3);
  const alike = extended.length > 0 ? extended : nearest(name, names);

  return alike.map((other) => written.slice(0, slash) + other);
}

/** The folder in front of a wildcard, where there is one. */
function folderBefore(baseDir: string, head: string, listings: FileFacts['listings']): string[] {
  const folder = head.slice(0, head.lastIndexOf('/'));
  const parent = listings.get(dirname(resolve(baseDir, folder)));
  const isThere =
    listings.has(resolve(baseDir, folder)) ||
    parent?.some(({ name, kind }) => kind === 'folder' && name === basename(folder)) === true;
  return folder !== '' && isThere ? [folder] : [];
}

export const rule = defineRule({
  codes: ['model-missing', 'file-missing'],
  needs: 'data',
  check: ({ document, baseDir, value, facts }) => fileFindings(document, baseDir, value, facts),
  suppressible: true,
  sections: {
    'model-missing':
      'Severity: error.\n\nThe file named by `model` does not exist, or is a folder. Node names are then not checked.',
    'file-missing':
      'Severity: error.\n\nA file or folder of the data sections does not exist, or a folder is named where a file is needed. Similar names in the same folder are offered.',
  },
  examples: [
    {
      code: 'model-missing',
      before: 'model: modle.onnx\ndata: {calibration: {images: ./train}}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
    {
      code: 'file-missing',
      before: 'model: model.onnx\ndata: {calibration: {images: ./trian}}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
  ],
});
