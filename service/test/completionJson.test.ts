import fc from 'fast-check';
import {
  type SchemaNode,
  configSchema,
  resolveRef,
  type ConfigPath,
  below,
  writtenPath,
} from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { valueOf } from '../src/document/tree.js';
import { complete } from '../src/features/completion.js';
import { allowedValues } from '../src/knowledge/schema.js';
import { accepted, config, CONTEXT, type Language } from '../../test/kit/configs.js';
import { summary } from '../../test/kit/summary.js';

// JSON and flow YAML, which are of one kind: an accepted item stands where the cursor was, and nothing else changes.

const node = (name: string, op: string) => ({ name, op, constants: {}, outputs: [] });
const model = summary({
  nodes: [node('/a/Conv', 'Conv'), node('/a/b c', 'Gemm'), node("it's", 'Add'), node('/x "y" # z', 'Relu')],
  inputs: [],
});

/** How brackets, their content and what follows are written. */
interface Style {
  language: Language;
  /** Between the brackets and what is in them. */
  gap: string;
  /** Behind a value, before a comma or the end. */
  trailing: string;
  colon: string;
}
const style: fc.Arbitrary<Style> = fc
  .record({
    language: fc.constantFrom<Language>('json', 'yaml'),
    gap: fc.constantFrom('', ' ', '\n', '\r\n', '\n    ', '\r\n\t', '\n\t\t'),
    trailing: fc.constantFrom('', ' ', '  ', '\n'),
    colon: fc.constantFrom(': ', ':', ' : '),
  })
  // Flow YAML takes no tabs at the start of lines, and needs a space behind the colon of a plain key.
  .map((how) =>
    how.language === 'yaml' ? { ...how, gap: how.gap.replaceAll('\t', '  '), colon: ': ' } : how,
  );

/** The text of nested mappings that lead to a hole, with a key before and behind on each level. */
function around(path: ConfigPath, hole: string, how: Style, siblings: readonly boolean[]): string {
  const key = (name: unknown) => (how.language === 'json' ? JSON.stringify(name) : String(name));
  const body = path.reduceRight<string>((inner, step, level) => {
    const before = siblings[level] === true ? `${key(`before${level}`)}${how.colon}0,${how.gap}` : '';
    const after = siblings[level + 1] === true ? `,${how.gap}${key(`after${level}`)}${how.colon}[1, 2]` : '';
    return `{${how.gap}${before}${key(step)}${how.colon}${inner}${how.trailing}${after}${how.gap.replaceAll('\t', '')}}`;
  }, hole);
  return body;
}

/** The value without the keys that `around` puts beside. */
function target(value: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((current, step) => (current as Record<string, unknown>)[step], value);
}

/** How many of them are left: all that were there. */
const besides = (text: string) => [...text.matchAll(/(before|after)\d/g)].length;

const VALUES: { path: ConfigPath; value: unknown }[] = [];
const collect = (schema: SchemaNode, path: ConfigPath) => {
  const given = resolveRef(configSchema, schema);
  for (const { value, replacedBy } of given.properties === undefined ? allowedValues(given) : [])
    if (replacedBy === undefined && !/array|object/.test(String(given.type))) VALUES.push({ path, value });
  for (const [key, child] of Object.entries(given.properties ?? {})) collect(child, below(path, key));
};

collect(configSchema, []);

const siblings = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });

describe('property: in brackets too an accepted item stands where the cursor was', () => {
  it('values, whatever was typed, in open or closed quotes or none', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...VALUES),
        style,
        siblings,
        fc.nat(4),
        fc.constantFrom('', '"', "'", '""'),
        (wanted, how, beside, typed, mark) => {
          const isText = typeof wanted.value === 'string';
          // JSON has one kind of quotes; an open one would take in the rest of the line.
          const marks = !isText || (mark === "'" && how.language === 'json') ? '' : mark;
          const closed = marks === '""' || marks === "'" ? marks.charAt(0) : '';
          const open = closed;
          const text = typeof wanted.value === 'string' ? wanted.value : JSON.stringify(wanted.value);
          const word = text.slice(0, typed);
          const written = around(wanted.path, `${open}${word}¦${closed}`, how, beside);
          const offset = written.indexOf('¦');
          const document = config(written.replace('¦', ''), how.language);
          const items = complete(document, document.text.positionAt(offset), CONTEXT);
          const item = items.find(({ label }) => label === text);
          expect(item, written).toBeDefined();
          const result = accepted(document, item!);
          const after = config(result, how.language);
          expect(after.tree.problems, `${written} → ${result}`).toEqual([]);
          expect(target(valueOf(after.tree), wanted.path), `${written} → ${result}`).toEqual(wanted.value);
          expect(besides(result)).toBe(besides(written));
        },
      ),
      { numRuns: 600 },
    );
  });

  it('items of lists, in every place of the list', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('names', 'types', 'patterns'),
        style,
        siblings,
        fc.integer({ min: 0, max: 3 }),
        fc.nat(3),
        fc.nat(3),
        fc.nat(),
        fc.boolean(),
        (key, how, beside, count, index, typed, pick, inQuotes) => {
          const path = writtenPath(['quantization', 'ignored_scope', key]);
          const own = Array.from({ length: count }, (_, i) => `zz${i}`);
          const row = Math.min(index, count);
          const write = (word: string, quote: string) => {
            const items = own.map((item) => (how.language === 'json' ? JSON.stringify(item) : item));
            const list = items.toSpliced(row, 0, `${quote}${word}¦${quote}`);
            const written = around(path, `[${list.join(`,${how.gap === '' ? ' ' : how.gap}`)}]`, how, beside);
            const offset = written.indexOf('¦');
            const document = config(written.replace('¦', ''), how.language);
            const offered = complete(document, document.text.positionAt(offset), { ...CONTEXT, model });
            return { document, written, offered };
          };

          const labels = write('', '"').offered.map(({ label }) => label);
          const name = labels[pick % labels.length]!;
          const quote = inQuotes || /[^\w/.]/.test(name.slice(0, typed)) ? '"' : '';
          const word = /["\\]/.test(name.slice(0, typed)) ? '' : name.slice(0, typed);
          const { document, written, offered } = write(word, quote);
          const item = offered.find(({ label }) => label === name);
          expect(item, written).toBeDefined();
          const result = accepted(document, item!);
          const after = config(result, how.language);
          expect(after.tree.problems, `${written} → ${result}`).toEqual([]);
          expect(target(valueOf(after.tree), path), `${written} → ${result}`).toEqual(
            own.toSpliced(row, 0, name),
          );
          expect(besides(result)).toBe(besides(written));
        },
      ),
      { numRuns: 600 },
    );
  });
});
