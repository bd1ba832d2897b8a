/** What only audio is read with. */
export const AUDIO_KEYS = ['sample_rate', 'frames', 'states', 'constants'] as const;
/** What only texts are read with. */
export const TEXT_KEYS = ['tokenizer', 'max_length'] as const;

/** Keys of a data section that only some kinds of sources read. */
const READERS: ReadonlyMap<string, readonly string[]> = new Map([
  ...AUDIO_KEYS.map((key): [string, string[]] => [key, ['audio']]),
  ...TEXT_KEYS.map((key): [string, string[]] => [key, ['texts']]),
  ['preprocess', ['images', 'arrays']],
  ['input_layout', ['arrays']],
]);

/** Whether a source of a kind reads a key of its section. */
export const isReadBy = (source: string, key: string): boolean => READERS.get(key)?.includes(source) ?? true;

/** Whether a key is what a source of a kind is read with, before anything else. */
export const isOnlyOf = (source: string, key: string): boolean =>
  key !== 'input_layout' && (READERS.get(key)?.every((reader) => reader === source) ?? false);
