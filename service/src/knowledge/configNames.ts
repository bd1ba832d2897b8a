/** The languages that editors give to configs. */
const LANGUAGES: ReadonlySet<string> = new Set(['quant-yaml', 'quant-json']);
/** The names that configs have. */
const NAME = /(^|[/\\])(quantization|[^/\\]+\.quant)\.(ya?ml|jsonc?)$/i;

export const isConfigName = (path: string) => NAME.test(path);

/** Whether a text is a config: an editor without a language for configs has them among other YAML and JSON. */
export const isConfigText = (path: string, languageId: string) =>
  LANGUAGES.has(languageId) || isConfigName(path);
