import { type QuantizationReport, below, type ConfigPath } from '@quantsmith/schemas';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { TextEdit } from 'vscode-languageserver-types';
import { edited } from '../document/compose.js';
import { parseConfig, type ConfigDocument } from '../document/document.js';
import { setValue, type Written } from '../document/edit.js';
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
  const document = parseConfig(TextDocument.create(path, language, 0, content));
  const stated = withPinned(document, pinned);

  return stated === null ? null : stated.text.getText();
}

/** The same as one edit of a document. */
export function pinEdits(
  document: ConfigDocument,
  pinned: NonNullable<QuantizationReport['pinned']>,
): TextEdit[] | null {
  const stated = withPinned(document, pinned);
  if (stated === null) return null;
  const end = document.text.positionAt(document.text.getText().length);
  return [{ range: { start: { line: 0, character: 0 }, end }, newText: stated.text.getText() }];
}

function withPinned(
  document: ConfigDocument,
  pinned: NonNullable<QuantizationReport['pinned']>,
): ConfigDocument | null {
  let stated = document;
  for (const setting of settingsOf(pinned, ['quantization'])) {
    const edits = setValue(stated, setting.path, setting.value);
    if (edits === null) return null;
    stated = edited(stated, edits);
  }

  return stated;
}

function settingsOf(value: unknown, path: ConfigPath): { path: ConfigPath; value: Written }[] {
  if (!isMapping(value)) return [{ path, value: value as Written }];
  return Object.entries(value).flatMap(([key, inner]) => settingsOf(inner, below(path, key)));
}
