import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CodeActionKind,
  CreateFile,
  TextDocumentEdit,
  TextEdit,
  type CodeAction,
} from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { convert } from '../document/convert.js';

/** The name of a config in the other notation. */
export function convertedName(file: string, language: 'yaml' | 'json'): string {
  return basename(file).replace(/\.[^.]+$/, language === 'json' ? '.yaml' : '.json');
}

/** The file that a config in the other notation would be. */
export const convertedFile = (file: string, language: 'yaml' | 'json') =>
  join(dirname(file), convertedName(file, language));

/** The config in the other notation as a new file, which must not exist; nothing for a config with errors. */
export function convertActions(document: ConfigDocument, target: string): CodeAction[] {
  const { language } = document.tree;
  const text = convert(document);
  if (text === null) return [];
  const uri = pathToFileURL(target).href;
  const insert = TextEdit.insert({ line: 0, character: 0 }, text);

  return [
    {
      title: `Convert to ${language === 'json' ? 'YAML' : 'JSON'} (${basename(target)})`,
      kind: CodeActionKind.RefactorRewrite,
      edit: {
        documentChanges: [CreateFile.create(uri), TextDocumentEdit.create({ uri, version: null }, [insert])],
      },
    },
  ];
}
