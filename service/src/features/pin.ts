import { type QuantizationReport, below } from '@quantsmith/schemas';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { edited } from '../document/compose.js';
import { parseConfig } from '../document/document.js';
import { setValue, type Written } from '../document/edit.js';
import type { ConfigPath } from '@quantsmith/schemas';
import { isMapping } from '../extends/merge.js';

/**
 * The text of a config with what a run chose by measurement stated, so that later runs need not measure; comments and order
 * stay. null where the text has no place for it. `path`: tells YAML from JSON.
 */
export function pinChoices(
  path: string,
  content: string,
  pinned: NonNullable<QuantizationReport['pinned']>,
): string | null {
  const language = /\.jsonc?$/i.test(path) ? 'quant-json' : 'quant-yaml';
  let document = parseConfig(TextDocument.create(path, language, 0, content));
  for (const setting of settingsOf(pinned, ['quantization'])) {
    const edits = setValue(document, setting.path, setting.value);
    if (edits === null) return null;
    document = edited(document, edits);
  }

  return document.text.getText();
}

function settingsOf(value: unknown, path: ConfigPath): { path: ConfigPath; value: Written }[] {
  if (!isMapping(value)) return [{ path, value: value as Written }];
  return Object.entries(value).flatMap(([key, inner]) => settingsOf(inner, below(path, key)));
}
