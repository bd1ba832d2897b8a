import { describe, expect, it } from 'vitest';
import { definition, highlights, prepareRename, references, rename } from '../src/features/anchors.js';
import { foldingRanges, selectionRanges } from '../src/features/folding.js';
import { hover } from '../src/features/hover.js';
import { inlayHints } from '../src/features/inlayHints.js';
import { documentSymbols } from '../src/features/symbols.js';
import { applied, at, config, type Language } from '../../test/kit/configs.js';

const text = (marked: string, markdown = true, language: Language = 'yaml') => {
  const { document, position } = at(marked, language);
  const contents = hover(document, position, { model: null, markdown })?.contents;
  return (contents as { value: string } | undefined)?.value ?? null;
};

describe('hover', () => {
  it('has documentation, type, default and values of a key, the same in JSON', () => {
    const value = text('quantization:\n  pre|set: mixed');
    expect(value).toMatch(/\*\*preset\*\* — string or null, default `performance`/);
    expect(value).toMatch(/- `mixed`: asymmetric activations/);
    expect(text('{"quantization": {"pre|set": "mixed"}}', true, 'json')).toBe(value);
  });
  it('starts with the value on a value, and is plain where the client wants that', () => {
    expect(text('quantization:\n  preset: mi|xed', false)).toMatch(/^mixed: asymmetric activations/);
    expect(text('quantization:\n  pre|set: mixed', false)).not.toMatch(/[*`]/);
  });
  it('on an alias or merge key there is what it stands for, on an item what its list is', () => {
    const marked = 'data:\n  calibration: &c\n    arrays: a.npy\n    limit: 3\n  validation: ';
    const source = '(line 3):\n\n```yaml\narrays: a.npy\nlimit: 3\n```';
    expect(text(`${marked}*|c`)).toContain(`\`*c\` stands for ${source}\n\n**validation** — object`);
    for (const merge of ['<|<: *c', '<<: *|c'])
      expect(text(`${marked}\n    ${merge}`)).toBe(
        `\`*c\` adds keys that this section does not set ${source}`,
      );
    expect(text(`${marked}*|c`, false)).not.toContain('`');
    expect(text('quantization: {ignored_scope: {names: [a|b]}}')).toMatch(/^\*\*names\*\* — array/);
  });
  it('is silent where there is nothing to say', () => {
    for (const marked of ['|', '# com|ment', 'no|thing: 1', '\n\n|']) expect(text(marked)).toBeNull();
  });
});

describe('anchors', () => {
  const marked = 'a: &prep {scale: 1}\nb: *pr|ep\nc: *prep\nd: &prep {scale: 2}\ne: *prep\n';
  const { document, position } = at(marked);
  it('are found from their aliases; one of the same name further down is another', () => {
    expect(definition(document, position)?.range.start).toEqual({ line: 0, character: 3 });
    expect(references(document, position, true).map(({ range }) => range.start.line)).toEqual([0, 1, 2]);
    expect(highlights(document, position)).toHaveLength(3);
  });
  it('are renamed together', () => {
    expect(prepareRename(document, position)).toMatchObject({ placeholder: 'prep' });
    const edits = rename(document, position, 'images')!.changes![document.text.uri]!;
    expect(applied(document, edits)).toBe(
      'a: &images {scale: 1}\nb: *images\nc: *images\nd: &prep {scale: 2}\ne: *prep\n',
    );
    expect(rename(document, position, 'no spaces')).toBeNull();
    expect(rename(at('a: &x 1\nb: &y 2\nc: *|x\n').document, { line: 2, character: 4 }, 'y')).toBeNull();
  });
});

describe('structure', () => {
  const document = config('# one\n# two\nmodel: m\ndata:\n  calibration:\n    arrays: a\n');
  it('outline, folding and selection follow the tree', () => {
    const symbols = documentSymbols(document);
    expect(symbols.map(({ name, detail }) => [name, detail])).toEqual([
      ['model', 'm'],
      ['data', undefined],
    ]);
    expect(symbols[1]!.children![0]!.children![0]).toMatchObject({ name: 'arrays', detail: 'a' });
    expect(foldingRanges(document)).toEqual([
      { startLine: 0, endLine: 1, kind: 'comment' },
      { startLine: 3, endLine: 5 },
      { startLine: 4, endLine: 5 },
    ]);
    const lines: number[] = [];
    let range = selectionRanges(document, [{ line: 5, character: 12 }])[0];
    for (; range !== undefined; range = range.parent) lines.push(range.range.start.line);
    expect(lines).toEqual([5, 5, 4, 3, 2, 0]);
  });
  it('hints say what settings come to', () => {
    const scope = config('quantization:\n  ignored_scope:\n    patterns: ["/a.*", "("]\n    types: [Conv]\n');
    const model = {
      nodes: [
        { name: '/a/1', op: 'Conv' },
        { name: '/a/2', op: 'Add' },
      ],
    } as never;
    const all = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } };
    expect(inlayHints(scope, all, { model, config: null }).map(({ label }) => label)).toEqual([
      '2 nodes',
      '1 node',
    ]);
    const params = 'quantization: {advanced_parameters: {weights_quantization_params: {num_bits: 4}}}';
    const weights = config(params);
    const given = {
      model: 'm',
      data: { calibration: { arrays: 'a' } },
      quantization: { advanced_parameters: { weights_quantization_params: { num_bits: 4 } } },
    };
    expect(inlayHints(weights, all, { model: null, config: given })[0]?.label).toBe('[-7, 7]');
  });
});
