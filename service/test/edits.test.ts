import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { seededRandom } from '@quantsmith/schemas';
import { foldingRanges } from '../src/features/folding.js';
import { hover } from '../src/features/hover.js';
import { complete } from '../src/features/completion.js';
import { documentSymbols } from '../src/features/symbols.js';
import { convert } from '../src/document/convert.js';
import { inlayHints } from '../src/features/inlayHints.js';
import { layerAt, mentionsOf } from '../src/knowledge/ignoredScope.js';
import { semanticTokens } from '../src/features/semanticTokens.js';
import { workspaceSymbols } from '../src/features/workspaceSymbols.js';
import { findAll, fixesOf } from '../src/rules/all.js';
import { applied, config as parsed, CONTEXT, type Language } from '../../test/kit/configs.js';

/** More with QUANTSMITH_EDITS=200000. */
const EDITS = Number(process.env['QUANTSMITH_EDITS'] ?? 2000);
/** Edits until the config is whole again. */
const BURST = 60;
const NOTHING = { baseDir: null, model: null, modelProblem: null, report: null, changed: null };
const PIECES =
  '\n|  |:|- |"|\'|{|}|[|]|&a |*a|<<: *a|#|>|? |!x |\t|\r\n|<<<<<<< HEAD\n|=======\n|preset|num_bits: 4|\u0000|😀|,|---\n|...\n|%YAML 1.1\n'
    .split('|')
    .concat('|');

/** Numbers that are the same in every run. */
function randoms(seed: number): (below: number) => number {
  const next = seededRandom(seed);
  return (below) => Math.floor(next() * below);
}

function everything(text: string, language: Language, place: number): void {
  const document = parsed(text, language);
  const { findings, config } = findAll(document, NOTHING);
  for (const { start, end } of findings) {
    expect(start).toBeGreaterThanOrEqual(0);
    expect(end).toBeGreaterThanOrEqual(start);
  }

  // A fix never breaks a text that could be read.
  for (const found of findings.slice(0, 5)) {
    for (const { title, edits } of fixesOf(document, { ...found, data: found.data ?? {} })) {
      const after = parsed(applied(document, edits), language);
      if (document.tree.problems.length === 0)
        expect(after.tree.problems, `${found.code}: ${title}`).toEqual([]);
    }
  }

  const position = document.text.positionAt(place % (text.length + 1));
  complete(document, position, CONTEXT);
  hover(document, position, { model: null, markdown: true });
  documentSymbols(document);
  semanticTokens(document, null);
  mentionsOf(document);
  convert(document);
  const all = { start: { line: 0, character: 0 }, end: { line: 999, character: 0 } };
  inlayHints(document, all, { model: null, config });
  workspaceSymbols([document], 'q');
  layerAt(document, position);
  foldingRanges(document);
}

it(`${EDITS} random edits: nothing throws, and all of them end`, () => {
  const whole = readFileSync(new URL('../../examples/digits/digits.quant.yaml', import.meta.url), 'utf8');
  const random = randoms(42);
  let text = whole;
  for (let i = 0; i < EDITS; i++) {
    if (i % BURST === 0) text = whole;
    const at = random(text.length + 1);
    const removed = random(4) === 0 ? random(30) : 0;
    const added = random(3) > 0 ? PIECES[random(PIECES.length)]! : '';
    text = text.slice(0, at) + added + text.slice(at + removed);
    try {
      everything(text, i % 5 === 0 ? 'json' : 'yaml', random(1e6));
    } catch (error) {
      throw new Error(`edit ${i}: ${JSON.stringify(text)}`, { cause: error });
    }
  }
});
