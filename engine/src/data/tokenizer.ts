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
    decode: (ids) => library.decode([...ids]),
    idOf,
    padId: file.padding?.pad_id ?? padId,
  };
}
