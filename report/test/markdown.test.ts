import fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { describe, expect, it } from 'vitest';
import { reportMarkdown, reportText } from '../src/index.js';
import { HOSTILE, layer, sampleReport } from '../../test/kit/sampleReport.js';

const parser = new MarkdownIt({ html: true, linkify: false });

/** What a Markdown reader makes of a text: the kinds of its blocks and inlines, texts left out. */
function shape(markdown: string): string[] {
  return parser
    .parse(markdown, {})
    .flatMap((token) => [token, ...(token.children ?? [])])
    .filter(({ type }) => type !== 'text' && type !== 'text_special')
    .map(({ type, tag, content }) => `${type} ${tag}${type.startsWith('html') ? content : ''}`);
}

const rendered = (markdown: string) =>
  parser
    .render(markdown)
    .replace(/<[^>]+>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&');

/** A report in which every free text is the given one. */
function withText(text: string) {
  return sampleReport({
    output: { path: text, sha256: text },
    config: { path: text, sha256: text },
    layers: [layer({ name: text, op: text, kernel: text })],
    warnings: [{ code: text, severity: 'warning', message: text, config_path: [] }],
    restoration: {
      ...sampleReport().restoration!,
      stop_reason: text,
      steps: [{ iteration: 1, reverted: [text], metric: 0.9, drop: 0.08 }],
      reverted: [text],
    },
  });
}

const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 40 }));

describe('Markdown for a pull request', () => {
  it('shows what decides and folds the rest', () => {
    const markdown = reportMarkdown(sampleReport());
    expect(markdown.startsWith('## Quantization report\n')).toBe(true);
    const folded = markdown.indexOf('<details>');
    expect(markdown.indexOf('### Restoration')).toBeLessThan(folded);
    expect(markdown.indexOf('<summary>Layers</summary>')).toBeGreaterThan(folded);
    expect(shape(markdown).filter((type) => type.startsWith('table_open')).length).toBe(7);
    expect(markdown).toContain('| `/stem/Conv` | +1.54 kB | +0.0421 ms |');
  });

  it('keeps ordinary names readable in the source', () => {
    expect(reportMarkdown(sampleReport())).toContain('| `/stem/Conv` | – | Conv | float (restored) |');
  });

  it('whatever a text holds, tables keep their cells and nothing of it becomes Markdown', () => {
    // Names that cannot be code spans become code elements; both are accepted as one.
    const normal = (markdown: string) =>
      shape(markdown)
        .filter((type) => type !== 'html_inline </code>')
        .map((type) => (type === 'html_inline <code>' ? 'code_inline code' : type));
    const expected = normal(reportMarkdown(withText('plain')));
    fc.assert(
      fc.property(hostile, (text) => {
        expect(normal(reportMarkdown(withText(text)))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('shows specials as they are', () => {
    const text = 'a | b `c` <d> *e* \\| &amp; @team';
    expect(rendered(reportMarkdown(withText(text)))).toContain('a | b `c` <d> *e* \\| &amp; @\u200bteam');
  });
});

describe('the terminal table', () => {
  it('has the same lines whatever a text holds, and no control characters', () => {
    const expected = reportText(withText('plain')).split('\n').length;
    fc.assert(
      fc.property(hostile, (text) => {
        const table = reportText(withText(text));
        expect(table.split('\n').length).toBe(expected);
        expect(table.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 300 },
    );
  });
});
