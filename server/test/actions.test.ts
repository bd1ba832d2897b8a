import fc from 'fast-check';
import { parseConfig } from '@quantsmith/service';
import { expect, it } from 'vitest';
import type { CodeAction, Diagnostic, TextEdit } from 'vscode-languageserver-protocol';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { inMemory } from '../../test/kit/lspClient.js';

const TEXT = `# a config
model: m.onnx
data:
  calibration: &c
    images: ./train
    preprocess: {scale: 255, mean: [0.5, 0.5, 0.5]}
  validation:
    <<: *c
    labels: "labels.csv"
quantization:
  preset: mixd
  subset_size: 0
  model_typ: transformer
  ignored_scope:
    names: [a, a]
    patterns:
      - '(?=x)'
      - |
        block
accuracy_control:
  metric: top1
  max_drop: 1 %
`;
const JSON_TEXT =
  '{"model": "m.onnx", "data": {"calibration": {"images": 010}}, "quantization": {"preset": \'mixed\', .5: 1}}';

const change = fc.record({
  at: fc.nat(),
  what: fc.constantFrom('cut', 'double', 'flow', 'marker', 'quote', 'tab', 'end'),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** What goes wrong while people type, paste and merge. */
function broken(text: string, { at, what }: Change): string {
  const lines = text.split('\n');
  const number = at % lines.length;
  const line = lines[number]!;
  const others: Record<Change['what'], string> = {
    cut: line.slice(0, line.length >> 1),
    double: `${line}\n${line}`,
    flow: line.replace(/: (\S+)$/, ': {x: $1}'),
    marker: `---\n${line}`,
    quote: line.replace(/: (\S)/, ': "$1'),
    tab: line.replace(/^ {2}/, '\t'),
    end: `${line}\n<<<<<<< HEAD`,
  };
  lines[number] = others[what];

  return lines.join('\n');
}

it(
  'property: what any action leaves can be read no worse than what was there',
  { timeout: 120_000 },
  async () => {
    const client = await inMemory({
      capabilities: {
        textDocument: { codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: [''] } } } },
      },
    });
    let count = 0;
    const offered = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('yaml', 'json'),
        fc.array(change, { maxLength: 3 }),
        fc.nat(22),
        async (language, changes, line) => {
          const text = changes.reduce(broken, language === 'yaml' ? TEXT : JSON_TEXT);
          const uri = `untitled:${count++}.quant.${language}`;
          const pushed = client.pushed(uri);
          await client.open(uri, text, `quant-${language}`);
          const { diagnostics } = await pushed;
          const before = parseConfig(TextDocument.create(uri, `quant-${language}`, 1, text));
          const asked = await client.connection.sendRequest<CodeAction[]>('textDocument/codeAction', {
            textDocument: { uri },
            range: { start: { line, character: 0 }, end: { line, character: 0 } },
            context: { diagnostics: diagnostics satisfies Diagnostic[], triggerKind: 1 },
          });
          for (const { title, edit } of asked) {
            const edits: TextEdit[] = edit?.changes?.[uri] ?? [];
            const after = TextDocument.create(
              uri,
              `quant-${language}`,
              2,
              TextDocument.applyEdits(before.text, edits),
            );
            const { problems } = parseConfig(after).tree;
            expect(problems.length, `${title}:\n${after.getText()}`).toBeLessThanOrEqual(
              before.tree.problems.length,
            );
            offered.add(title);
          }

          await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
        },
      ),
      { numRuns: 60 },
    );
    expect(offered.size).toBeGreaterThan(10);
    await client.stop();
  },
);
