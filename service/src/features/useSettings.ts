import { writtenPath, type Settings } from '@quantsmith/schemas';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { TextEdit } from 'vscode-languageserver-types';
import { inOrder } from '../document/compose.js';
import { parseConfig, type ConfigDocument } from '../document/document.js';
import { removeKey, setValue, type Written } from '../document/edit.js';

/**
 * The edit that makes a config ask for settings, by their dotted paths; comments, order and the matrix stay. null where the text
 * has no place for one of them.
 */
export function useSettings(document: ConfigDocument, settings: Settings): TextEdit[] | null {
  return inOrder(
    document,
    Object.entries(settings).flatMap(([setting, value]) => {
      const path = writtenPath(setting.split('.'));
      // What stands there as lines below its key is replaced whole.
      const isSettable = (current: ConfigDocument) => setValue(current, path, value as Written) !== null;

      return [
        (current: ConfigDocument) => (isSettable(current) ? [] : removeKey(current, path)),
        (current: ConfigDocument) => setValue(current, path, value as Written),
      ];
    }),
  );
}

/** The same of a text. `path`: tells YAML from JSON. */
export function withStatedSettings(path: string, content: string, settings: Settings): string | null {
  const language = /\.jsonc?$/i.test(path) ? 'quant-json' : 'quant-yaml';
  const document = parseConfig(TextDocument.create(path, language, 0, content));
  const edits = useSettings(document, settings);

  return edits === null ? null : TextDocument.applyEdits(document.text, edits);
}
