import { below, placeText, writtenPath, type ConfigPath } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { FOREIGN_KEYS, FOREIGN_NOTES } from '../knowledge/foreignNames.js';
import { keysAt } from '../knowledge/schema.js';
import { findEntry, type Span } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { nearest } from './nearest.js';

/** A key that the schema does not know at a place, and what is meant by it. `place`: of the mapping, where the key is nowhere. */
export function unknownKey(
  document: ConfigDocument,
  path: ConfigPath,
  key: string,
  place: () => Span,
): Finding {
  const entry = findEntry(document.tree, below(path, key));
  const span = entry?.keySpan ?? place();
  const known = keysAt(path).map((candidate) => candidate.name);
  const foreign = foreignPlace(path, key, known);
  const note = FOREIGN_NOTES.get(key);
  // What is known to have no place here is no misspelling.
  const alike = note === undefined ? nearestKeys(key, known) : [];
  const section = foreign === undefined ? sectionWith(key) : undefined;
  // A key of a section below is that key, whatever key here is written like it.
  const elsewhere = alike.length === 0 || (path.length === 0 && section?.length === 1) ? section : undefined;
  const suggestions = elsewhere === undefined ? alike : [];
  const target = foreign === undefined ? elsewhere && below(elsewhere, key) : foreign;
  const inner = target === undefined ? [] : keysOfEntry(path, target, known);
  if (inner.length > 0) {
    const names = inner.map((name) => `"${name}"`).join(', ');
    const message = `Unknown key "${key}" in "${placeText(path)}". In an entry, ${names} are for weights and activations together: write them without "${key}".`;
    const data = { unwrapped: inner };

    return {
      code: 'unknown-key',
      severity: 'error',
      message,
      start: span.start,
      end: span.end,
      path: below(path, key),
      data,
    };
  }

  const hint =
    note !== undefined
      ? ` ${note}`
      : foreign !== undefined
        ? ` Here it is "${placeText(foreign)}".`
        : suggestions.length > 0
          ? ` Did you mean "${suggestions[0]}"?`
          : elsewhere === undefined
            ? ''
            : ` It belongs ${elsewhere.length === 0 ? 'at the top level' : `under "${placeText(elsewhere)}"`}.`;

  const where = path.length === 0 ? 'the config' : `"${placeText(path)}"`;

  return {
    code: 'unknown-key',
    severity: 'error',
    message: `Unknown key "${key}" in ${where}.${hint}`,
    start: span.start,
    end: span.end,
    path: below(path, key),
    data: { suggestions, ...(target === undefined ? {} : { target }) },
  };
}

/**
 * The keys of general settings of weights or activations that an entry of `overrides` has itself: for its operators alone, so that
 * the general settings are not meant.
 */
function keysOfEntry(path: ConfigPath, target: ConfigPath, known: readonly string[]): string[] {
  const [top, section] = path;
  const isEntry = top === 'quantization' && section === 'overrides' && path.length === 3;
  return isEntry && /^(weights|activations)_quantization_params$/.test(String(target.at(-1)))
    ? keysAt(target).flatMap(({ name }) => (known.includes(name) ? [name] : []))
    : [];
}

/** Keys that one may mean; of a setting's path in a matrix, those that differ from it in their last step alone, where there are some. */
function nearestKeys(key: string, known: readonly string[]): string[] {
  const head = key.slice(0, key.lastIndexOf('.') + 1);
  const beside = known.filter((other) => other.startsWith(head) && !other.slice(head.length).includes('.'));
  const steps = nearest(
    key.slice(head.length),
    beside.map((other) => other.slice(head.length)),
  );
  return head === '' || steps.length === 0 ? nearest(key, known) : steps.map((step) => `${head}${step}`);
}

/**
 * Where a key of another tool is set here; in a data section, of this section; beside it, where `known` has a key of that name.
 */
function foreignPlace(path: ConfigPath, key: string, known: readonly string[]): ConfigPath | undefined {
  const steps = FOREIGN_KEYS.get(key)?.split('.');
  const name = steps?.at(-1);
  if (steps === undefined || name === undefined) return undefined;
  if (path.length > 0 && known.includes(name)) return below(path, name);
  const [top, section] = path;
  const isData = top === 'data' && typeof section === 'string' && steps[0] === 'data' && steps.length > 2;

  return writtenPath(isData ? ['data', section, ...steps.slice(2)] : steps);
}

/** Another place of the schema where the key exists. */
function sectionWith(key: string): ConfigPath | undefined {
  const queue: ConfigPath[] = [[]];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const child of keysAt(path)) {
      if (child.name === key) return path;
      if (child.schema.properties !== undefined) queue.push(below(path, child.name));
    }
  }

  return undefined;
}
