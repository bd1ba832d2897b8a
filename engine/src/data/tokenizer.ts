import { Tokenizer as Library } from '@huggingface/tokenizers';
import { readText } from '@quantsmith/model/files';
import { dirname, join } from 'node:path';

/** A text as the numbers of its tokens, with those that the tokenizer adds. */
export interface Tokens {
  readonly ids: readonly number[];
  /** 0 for the tokens of the first text, 1 for those of the second. */
  readonly typeIds: readonly number[];
}

export interface Tokenizer {
  readonly encode: (text: string, pair?: string | null) => Tokens;
  /** The text's own tokens, without those that the tokenizer adds. */
  readonly plain: (text: string) => readonly number[];
  readonly decode: (ids: readonly number[]) => string;
  /** The number of a token; null: it is not in the vocabulary. */
  readonly idOf: (token: string) => number | null;
  /** The number of the token that texts are filled up with; 0 where the tokenizer names none. */
  readonly padId: number;
}

/** The fields of a tokenizer's two files that matter here. */
interface TokenizerFile {
  readonly padding?: { readonly pad_id?: number } | null;
}
interface SettingsFile {
  readonly pad_token?: string | { readonly content?: string } | null;
}

/** Reads a `tokenizer.json`, and the `tokenizer_config.json` beside it where there is one. Throws what is wrong with them. */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  const file = JSON.parse(await readText(path)) as TokenizerFile;
  const beside = await readText(join(dirname(path), 'tokenizer_config.json')).catch(() => '{}');
  const settings = JSON.parse(beside) as SettingsFile;
  const library = new Library(file, settings);
  const idOf = (token: string) => library.token_to_id(token) ?? null;
  const named = typeof settings.pad_token === 'string' ? settings.pad_token : settings.pad_token?.content;
  const [padId = 0] = [named, '[PAD]', '<pad>'].flatMap((token) => idOf(token ?? '') ?? []);

  return {
    encode(text, pair = null) {
      const { ids, token_type_ids } = library.encode(text, { text_pair: pair, return_token_type_ids: true });
      return { ids, typeIds: token_type_ids };
    },
    plain: (text) => library.encode(text, { add_special_tokens: false }).ids,
    // The library refuses an empty list.
    decode: (ids) => (ids.length === 0 ? '' : library.decode([...ids])),
    idOf,
    padId: file.padding?.pad_id ?? padId,
  };
}

/**
 * A text, or a pair, of at most so many tokens: the added tokens stay, and the longer text of a pair loses from its end first.
 */
export function truncated(
  tokenizer: Tokenizer,
  text: string,
  pair: string | null,
  maxTokens: number,
): Tokens {
  const encoding = tokenizer.encode(text, pair);
  const excess = encoding.ids.length - maxTokens;
  if (excess <= 0) return encoding;
  const bodies = [tokenizer.plain(text), ...(pair === null ? [] : [tokenizer.plain(pair)])];
  const dropped = new Set<number>();
  const spans = spansOf(encoding.ids, bodies);
  const kept = spans.map(({ length }) => length);
  for (let i = 0; i < excess; i++) {
    const longest = kept.reduce((best, length, index) => (length >= kept[best]! ? index : best), 0);
    if (kept[longest] === 0) break;
    kept[longest]! -= 1;
    dropped.add(spans[longest]!.start + kept[longest]!);
  }

  const isKept = (_: number, index: number) => !dropped.has(index);
  return {
    ids: encoding.ids.filter(isKept).slice(0, maxTokens),
    typeIds: encoding.typeIds.filter(isKept).slice(0, maxTokens),
  };
}

/** Where the texts' own tokens lie among all: each is the first such run behind the one before. */
function spansOf(
  ids: readonly number[],
  bodies: readonly (readonly number[])[],
): { start: number; length: number }[] {
  let from = 0;
  return bodies.map((body) => {
    let start = from;
    while (start + body.length < ids.length && !body.every((id, i) => ids[start + i] === id)) start++;
    from = start + body.length;
    return { start, length: body.length };
  });
}
