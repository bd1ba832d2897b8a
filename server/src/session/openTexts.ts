import {
  createDocumentCache,
  createOpenText,
  isConfigText,
  type ConfigDocument,
  type OpenText,
} from '@quantsmith/service';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { TextDocuments } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';

/** The texts that a client has open, each parsed once. */
export interface OpenTexts {
  readonly texts: TextDocuments<OpenText>;
  readonly parse: (text: TextDocument) => ConfigDocument;
  readonly forget: (uri: string) => void;
  /** The parsed text of an open document. */
  readonly byUri: (uri: string) => ConfigDocument | null;
  /** The same by its file: what an editor has open counts for more than its file. */
  readonly byFile: (file: string) => ConfigDocument | null;
  /** By its name or its language. */
  readonly isConfig: (text: TextDocument) => boolean;
}

export function createOpenTexts(): OpenTexts {
  const texts = new TextDocuments<OpenText>({
    create: createOpenText,
    update(text, changes, version) {
      text.update(changes, version);
      return text;
    },
  });

  const parsed = createDocumentCache();
  const parse = (text: TextDocument | undefined) => (text === undefined ? null : parsed.get(text));

  return {
    texts,
    parse: (text) => parsed.get(text),
    forget: (uri) => parsed.forget(uri),
    byUri: (uri) => parse(texts.get(uri)),
    byFile: (file) =>
      parse(texts.get(pathToFileURL(file).href) ?? texts.all().find(({ uri }) => fileOf(uri) === file)),
    isConfig: ({ uri, languageId }) => isConfigText(fileOf(uri) ?? uri, languageId),
  };
}

/** The path of a file's URI; null for documents that are no files. */
export function fileOf(uri: string): string | null {
  try {
    return uri.startsWith('file:') ? fileURLToPath(uri) : null;
  } catch {
    return null;
  }
}
