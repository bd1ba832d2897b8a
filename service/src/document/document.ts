import type { Range, TextDocument } from 'vscode-languageserver-textdocument';
import { changedTo, reparseYaml } from './incremental.js';
import { parseJson } from './json.js';
import { isOpenText } from './openText.js';
import type { Span, Tree } from './tree.js';
import { parseYaml } from './yaml.js';

/** A config as text and tree. */
export interface ConfigDocument {
  readonly text: TextDocument;
  readonly tree: Tree;
}

/** Which of the two notations a document is in: by its name, else by its language id, which some clients have one of for both. */
export function languageOf({ uri, languageId }: Pick<TextDocument, 'languageId' | 'uri'>): 'yaml' | 'json' {
  if (/\.jsonc?$/i.test(uri)) return 'json';
  if (/\.ya?ml$/i.test(uri)) return 'yaml';
  return /json/.test(languageId) ? 'json' : 'yaml';
}

/** Texts with more characters are not parsed: that would hold up every other answer. */
const MAX_LENGTH = 2 ** 20;

/** A config that nobody reads, and why, as a sentence. */
export function unreadConfig(text: TextDocument, message: string): ConfigDocument {
  const problem = { start: 0, end: Math.min(1, text.getText().length), message };
  const language = languageOf(text);
  return { text, tree: { root: null, problems: [problem], comments: [], anchored: false, language } };
}

/** Parses either notation. Never throws: nesting that exhausts the stack is a problem like any other. */
export function parseConfig(text: TextDocument): ConfigDocument {
  const content = text.getText();
  const language = languageOf(text);
  if (content.length > MAX_LENGTH)
    return unreadConfig(text, `This config is not read: it has more than ${MAX_LENGTH} characters.`);

  try {
    return { text, tree: language === 'json' ? parseJson(content) : parseYaml(content) };
  } catch (error) {
    const reason = error instanceof RangeError ? 'it is nested too deeply' : String(error);
    return unreadConfig(text, `This cannot be read: ${reason}.`);
  }
}

/** Offsets as lines and characters. */
export function rangeOf({ text }: ConfigDocument, { start, end }: Span): Range {
  return { start: text.positionAt(start), end: text.positionAt(end) };
}

/** A part of a text by offsets, which leaves the rest of it where it is. */
export function sliceOf(text: TextDocument, start: number, end: number): string {
  return isOpenText(text) ? text.slice(start, end) : text.getText().slice(start, end);
}

/** What is kept of a document for its next version. */
interface Kept {
  readonly content: string;
  readonly document: ConfigDocument;
  /** Whether it is known to be made of parts. */
  readonly isSeparable: boolean;
}

/** The document after a change; of the one before, which must not be used any more, what can be kept is kept. */
function reparseConfig(text: TextDocument, before: Kept): Kept {
  const content = text.getText();
  // Its pieces, where that is all that happened.
  const last = isOpenText(text) ? text.lastChange() : null;
  const changed = () => (last?.before === before.content ? last : changedTo(before.content, content));
  const tree =
    languageOf(text) === 'yaml' ? reparseYaml({ ...before, tree: before.document.tree }, changed()) : null;
  if (tree === null) return { content, document: parseConfig(text), isSeparable: false };

  // Every part that was parsed alone was looked at.
  return { content, document: { text, tree }, isSeparable: true };
}

/** Parses each version of each document once; closed documents are forgotten. */
export interface DocumentCache {
  readonly get: (text: TextDocument) => ConfigDocument;
  readonly forget: (uri: string) => void;
}

export function createDocumentCache(): DocumentCache {
  const parsed = new Map<string, Kept & { version: number }>();
  return {
    get(text) {
      const known = parsed.get(text.uri);
      if (known?.version === text.version && known.document.text === text) return known.document;
      const kept =
        known?.document.text === text
          ? reparseConfig(text, known)
          : { content: text.getText(), document: parseConfig(text), isSeparable: false };

      parsed.set(text.uri, { version: text.version, ...kept });

      return kept.document;
    },
    forget: (uri) => void parsed.delete(uri),
  };
}
