import type { Diagnostic, TextDocument, TextEditor, Uri, WebviewPanel } from 'vscode';

/** What an extension asked the user, or told: a message with its buttons, a list, an input, a folder to choose. */
export interface Question {
  readonly kind: 'info' | 'warning' | 'error' | 'list' | 'input' | 'folder';
  readonly text: string;
  /** Labels of buttons or of the list's items. */
  readonly choices: readonly string[];
  /** What an input says of a text; null: it is taken. */
  readonly validate?: (text: string) => string | null;
}

/** A command of the server as the extension sent it, and the token that cancels it. */
export interface ServerCommand {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly token:
    | { readonly isCancellationRequested: boolean; onCancellationRequested(then: () => void): unknown }
    | undefined;
}

/** The state of the editor that test/kit/vscode.ts plays: what tests set, and what they look at afterwards. */
export interface Editor {
  /** The workspace folder; empty: none is open. */
  folder: string;
  isTrusted: boolean;
  settings: Record<string, unknown>;
  active: TextEditor | undefined;
  readonly diagnostics: Map<string, Diagnostic[]>;
  /** Answers a question with a button's or an item's label, an input's text or a folder's path. */
  answer: (question: Question) => string | undefined;
  /** Answers a command that is sent to the server. */
  server: (command: ServerCommand) => unknown;
  readonly questions: Question[];
  readonly executed: (readonly [command: string, ...args: unknown[]])[];
  readonly commands: Map<string, (...args: unknown[]) => unknown>;
  readonly shown: TextDocument[];
  readonly log: string[];
  readonly panels: WebviewPanel[];
  /** What was registered under a name: providers, views, profiles, items of the status bar. */
  readonly registered: Map<string, unknown>;
  /** Messages of work in progress, with the share that each added, in percent. */
  readonly progress: {
    readonly title: string;
    readonly message: string | undefined;
    readonly increment: number | undefined;
  }[];
  readonly cancelProgress: (() => void)[];
  /** Says that a file came, changed or went. */
  readonly files: {
    readonly created: Set<(file: Uri) => void>;
    readonly changed: Set<(file: Uri) => void>;
    readonly deleted: Set<(file: Uri) => void>;
  };
  readonly events: Map<string, Set<(event: unknown) => void>>;
}

const fresh = (): Editor => ({
  folder: '',
  isTrusted: true,
  settings: {},
  active: undefined,
  diagnostics: new Map(),
  answer: () => undefined,
  server: () => null,
  questions: [],
  executed: [],
  commands: new Map(),
  shown: [],
  log: [],
  panels: [],
  registered: new Map(),
  progress: [],
  cancelProgress: [],
  files: { created: new Set(), changed: new Set(), deleted: new Set() },
  events: new Map(),
});

/** The one editor of a test file, as the module `vscode` is one. */
export const editor = fresh();

export function resetEditor(): void {
  Object.assign(editor, fresh());
}

export const on = (name: string, listener: (event: never) => void): { dispose(): void } => {
  const listeners = editor.events.get(name) ?? new Set();
  editor.events.set(name, listeners.add(listener as (event: unknown) => void));
  return { dispose: () => void listeners.delete(listener as (event: unknown) => void) };
};

/** Fires an event of the editor, or a notification of the server. */
export function fire(name: string, event?: unknown): void {
  for (const listener of editor.events.get(name) ?? []) listener(event);
}

/** The texts that the user was told, in order. */
export const toldTexts = (): string[] => editor.questions.map(({ text }) => text);
