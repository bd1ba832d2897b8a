import { readFileSync } from 'node:fs';

/**
 * A config as people write them, before anybody wrote a rule for it. What is sound and what is not was settled by running each:
 * 60 of the 60 sound ones run, 55 of the 60 unsound ones are refused or end in an error, and five run on values that nobody
 * means. When the unseen half was first looked at, one of its 30 sound configs was told of a setting without effect (it was one,
 * and was taken out), and all of the 30 unsound ones were found, 28 of them on the right line.
 * `-blind` are thirty of each, written from the reference alone when the rules stood: at the first look 28 of the sound ones were told
 * nothing (two named an output in a folder that does not exist, which a run refuses; they were given another), and 28 of the unsound
 * ones were found, 26 on the right line: missing were the length of windows and the rate of audio.
 * The configs of a later hand (`-run`) are by what a run ends with: 40 of its 139 were said to be fine, or were not and refused.
 */
export interface WrittenConfig {
  readonly name: string;
  readonly text: string;
  /** Of what is wrong with it, from 0; null: it is sound. */
  readonly line: number | null;
}

/**
 * The configs of a list. `=== name` begins one, `»` marks the line that is wrong, and `⏎` stands for a carriage return.
 */
export function writtenConfigs(list: string): WrittenConfig[] {
  const all = readFileSync(new URL(`${list}.txt`, import.meta.url), 'utf8');
  return all
    .split(/^=== /m)
    .slice(1)
    .map((part) => {
      const [name = '', ...lines] = part.split('\n');
      const marked = lines.findIndex((line) => line.startsWith('»'));
      const text = lines.join('\n').replace(/^»/gm, '').replaceAll('⏎', '\r');
      return { name, text, line: marked < 0 ? null : marked };
    });
}
