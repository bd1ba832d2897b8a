import { classNames, judgeTexts, tokenizerProblem } from '@quantsmith/engine';
import type { TextFacts } from '@quantsmith/service';
import type { LabelText } from './labels.js';
import { textOf } from './look.js';

/** A file of texts, and the list that names their classes, absolute; null: none. */
interface TextQuestion {
  /** As messages call it. */
  readonly written: string;
  readonly path: string;
  readonly classes: string | null;
}

export type JudgeTexts = (question: TextQuestion) => Promise<TextFacts | null>;

/** Files whose verdicts are kept. */
const MAX_KEPT = 8;

/** Judges files of texts by the engine's reader. `textAt`: the text of a file, another object when the file is; null: not known. */
export function createTextJudge(textAt: (path: string) => Promise<LabelText | null>): JudgeTexts {
  const known = new Map<string, { readonly by: readonly unknown[]; readonly facts: TextFacts }>();

  return async ({ written, path, classes }) => {
    const [file, list] = await Promise.all([textAt(path), classes === null ? null : textAt(classes)]);
    if (file === null || (classes !== null && list === null)) return null;
    const by = [written, file, list];
    const last = known.get(path);
    if (last?.by.every((part, index) => part === by[index]) === true) return last.facts;

    const facts = judgeTexts(file.text, written, list === null ? null : classNames(list.text));
    if (known.size >= MAX_KEPT) known.clear();
    known.set(path, { by, facts });

    return facts;
  };
}

/** Larger files are not looked into: reading them would hold up answers. */
const MAX_TOKENIZER_BYTES = 4 * 1024 ** 2;

/** Why a file is no `tokenizer.json`, as the end of a sentence; null: it may be one. */
export async function readTokenizerProblem(path: string): Promise<string | null> {
  const text = await textOf(path, MAX_TOKENIZER_BYTES);
  return text === null ? null : tokenizerProblem(text);
}
