import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CODES } from '../../service/src/findings/codes.js';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
type Texts = Record<string, string>;
const english = JSON.parse(read('package.nls.json')) as Texts;
const german = JSON.parse(read('package.nls.de.json')) as Texts;
const manifest = JSON.parse(read('package.json')) as {
  contributes: { configuration: { properties: Record<string, { propertyNames?: { enum: string[] } }> } };
};

/** What stays the same in every language: places to fill in, links, code. */
const fixedParts = (text: string) => (text.match(/\{\d\}|\]\([^)]*\)|`[^`]*`|\$\([\w~-]+\)/g) ?? []).sort();

/** Every text of a manifest under the keys that people read. */
function* textsOf(value: unknown, key = ''): Generator<string> {
  if (typeof value === 'string' && /^(title|description|markdownDescription|contents|displayName)$/.test(key))
    yield value;
  if (typeof value === 'object' && value !== null)
    for (const [inner, part] of Object.entries(value)) yield* textsOf(part, inner);
}

describe('what the manifest shows', () => {
  it('is named by keys that English and German have, and no others', () => {
    const used = new Set([...JSON.stringify(manifest).matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key));
    expect(Object.keys(english).sort()).toEqual([...used].sort());
    expect(Object.keys(german).sort()).toEqual([...used].sort());
    const names = ['Quantsmith', 'quantsmith'];
    const plain = [...textsOf(manifest.contributes)].filter((text) => !text.startsWith('%'));
    expect(plain.filter((text) => !names.includes(text))).toEqual([]);
  });

  it('has the same links and code in both languages', () => {
    for (const [key, text] of Object.entries(english))
      expect([key, ...fixedParts(german[key] ?? '')]).toEqual([key, ...fixedParts(text)]);
  });

  it('knows every code whose severity can be set', () => {
    const { propertyNames } = manifest.contributes.configuration.properties['quantsmith.severities']!;
    expect(propertyNames?.enum).toEqual([...CODES]);
  });
});

describe('what the extension says', () => {
  const sources = readdirSync(join(root, 'client/src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(join('client/src', file)));
  const spoken = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/l10n\.t\(\s*'((?:[^'\\]|\\.)*)'/g)].map(([, words]) =>
        words!.replaceAll("\\'", "'"),
      ),
    ),
  );
  const bundle = JSON.parse(read('l10n/bundle.l10n.de.json')) as Texts;

  it('is there in German, whole', () => {
    expect(Object.keys(bundle).sort()).toEqual([...spoken].sort());
    for (const [text, other] of Object.entries(bundle)) expect(fixedParts(other)).toEqual(fixedParts(text));
  });

  it('is never a plain text in a message', () => {
    const plain = sources.flatMap(
      (text) => text.match(/show(?:Error|Warning|Information)Message\(\s*['`][^)]*/g) ?? [],
    );
    expect(plain).toEqual([]);
  });
});
