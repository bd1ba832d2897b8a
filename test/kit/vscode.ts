// Plays the module `vscode` in tests of the extension (vitest.config.ts): files are real, the user is editor.answer.
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { globSync } from 'tinyglobby';
import type { Diagnostic } from 'vscode';
import { editor, on, type Question } from './editor.js';
import {
  type Position,
  type Selection,
  type RelativePattern,
  type WorkspaceEdit,
  type Location,
  Uri,
  Disposable,
  EventEmitter,
  CancellationTokenSource,
  Range,
  FileSystemError,
  FileType,
} from './vscodeValues.js';

export * from './vscodeValues.js';

class Document {
  isDirty = false;
  version = 1;

  constructor(
    readonly uri: Uri,
    readonly languageId: string,
    private text: string,
  ) {}

  get isUntitled(): boolean {
    return this.uri.scheme === 'untitled';
  }

  get lineCount(): number {
    return this.text.split('\n').length;
  }

  getText(): string {
    return this.text;
  }

  lineAt(line: number) {
    const text = this.text.split('\n')[line]!;
    return { text, range: new Range(line, 0, line, text.length) };
  }

  replace({ start, end }: Range, text: string): void {
    const offset = ({ line, character }: Position) =>
      [...this.text.split('\n').slice(0, line), ''].join('\n').length + character;
    this.text = this.text.slice(0, offset(start)) + text + this.text.slice(offset(end));
    this.isDirty = true;
    this.version++;
  }
}

const LANGUAGES: readonly (readonly [RegExp, string])[] = [
  [/\.quant\.ya?ml$/, 'quant-yaml'],
  [/\.quant\.jsonc?$/, 'quant-json'],
];

function documentOf(source: Uri | { readonly language: string; readonly content: string }): Document {
  if (!(source instanceof Uri))
    return new Document(Uri.from({ scheme: 'untitled' }), source.language, source.content);
  const opened = editor.shown.find(({ uri }) => uri.toString() === source.toString());
  if (opened !== undefined) return opened as unknown as Document;
  const language = LANGUAGES.find(([pattern]) => pattern.test(source.path))?.[1] ?? 'plaintext';
  return new Document(source, language, source.scheme === 'file' ? readFileSync(source.path, 'utf8') : '');
}

function show(document: Document) {
  const shown = {
    document,
    selection: undefined as Selection | undefined,
    revealRange: () => undefined,
    edit(change: (builder: { insert(position: Position, text: string): void }) => void) {
      change({
        insert: ({ line, character }, text) =>
          document.replace(new Range(line, character, line, character), text),
      });
      return Promise.resolve(true);
    },
  };
  editor.shown.push(document as never);
  editor.active = shown as never;
  return shown;
}

const ask = (question: Question) => {
  editor.questions.push(question);
  return editor.answer(question);
};

const message =
  (kind: Question['kind']) =>
  (text: string, ...choices: (string | object)[]) =>
    Promise.resolve(ask({ kind, text, choices: choices.filter((choice) => typeof choice === 'string') }));

const outputChannel = () => {
  const write = (level: string) => (text: string) => void editor.log.push(`${level}: ${text}`);
  return {
    ...{ info: write('info'), warn: write('warn'), error: write('error') },
    show: () => void editor.log.push('shown'),
    dispose: () => undefined,
  };
};

const registered = <T>(name: string, value: T): T => {
  editor.registered.set(name, value);
  return value;
};

export const window = {
  get activeTextEditor() {
    return editor.active;
  },
  get visibleTextEditors() {
    return editor.active === undefined ? [] : [editor.active];
  },
  createOutputChannel: outputChannel,
  createStatusBarItem: (id: string) =>
    registered(`status bar ${id}`, {
      isShown: false,
      show() {
        this.isShown = true;
      },
      hide() {
        this.isShown = false;
      },
      dispose: () => undefined,
    }),
  createTreeView(id: string, options: object) {
    const selected = new EventEmitter<{ selection: readonly unknown[] }>();
    return registered(`view ${id}`, {
      ...options,
      onDidChangeSelection: selected.event,
      /** The user selects rows. */
      select: (selection: readonly unknown[]) => selected.fire({ selection }),
      dispose: () => undefined,
    });
  },
  createWebviewPanel: (viewType: string, title: string, _column: unknown, options: object) =>
    createPanel(viewType, title, options),
  registerCustomEditorProvider: (id: string, provider: object) =>
    Object.assign(registered(`editor ${id}`, provider), { dispose: () => undefined }),
  registerWebviewPanelSerializer: (id: string, serializer: object) =>
    Object.assign(registered(`serializer ${id}`, serializer), { dispose: () => undefined }),
  showErrorMessage: message('error'),
  showInformationMessage: message('info'),
  showWarningMessage: message('warning'),
  showInputBox: ({
    title,
    validateInput,
  }: {
    title: string;
    validateInput: (text: string) => string | null;
  }) => Promise.resolve(ask({ kind: 'input', text: title, choices: [], validate: validateInput })),
  showOpenDialog({ title }: { title: string }) {
    const path = ask({ kind: 'folder', text: title, choices: [] });
    return Promise.resolve(path === undefined ? undefined : [Uri.file(path)]);
  },
  showSaveDialog({ defaultUri }: { defaultUri: Uri }) {
    const path = ask({ kind: 'folder', text: `save ${basename(defaultUri.path)}`, choices: [] });
    return Promise.resolve(path === undefined ? undefined : Uri.file(path));
  },
  showQuickPick<T extends { label: string; description?: string }>(
    items: readonly T[],
    options: { title?: string; placeHolder: string },
  ) {
    const label = ask({
      kind: 'list',
      text: options.title ?? options.placeHolder,
      choices: items.map((item) => [item.label, item.description].filter(Boolean).join(': ')),
    });
    return Promise.resolve(items.find((item) => item.label === label));
  },
  showTextDocument: (source: Uri | Document) =>
    Promise.resolve(show(source instanceof Uri ? documentOf(source) : source)),
  withProgress<T>({ title }: { title: string }, work: (progress: unknown, token: unknown) => Promise<T>) {
    const cancellation = new CancellationTokenSource();
    editor.cancelProgress.push(() => cancellation.cancel());
    const report = ({ message, increment }: { message?: string; increment?: number }) =>
      void editor.progress.push({ title, message, increment });
    return work({ report }, cancellation.token);
  },
};

/** A panel as an extension gets it, kept for the test. */
export function createPanel(viewType: string, title: string, options: object = {}) {
  const disposed = new EventEmitter<void>();
  const viewState = new EventEmitter<void>();
  const messages = new EventEmitter<unknown>();
  const panel = {
    ...{ viewType, title, options, active: true, visible: true, isDisposed: false, revealed: 0 },
    webview: {
      ...{ html: '', cspSource: 'https://webview', options: {}, posted: [] as unknown[] },
      asWebviewUri: (uri: Uri) => Uri.parse(`https://webview${uri.path}`),
      onDidReceiveMessage: messages.event,
      postMessage(message: unknown) {
        panel.webview.posted.push(message);
        return Promise.resolve(true);
      },
    },
    /** The page says something. */
    say: (message: unknown) => messages.fire(message),
    onDidChangeViewState: viewState.event,
    onDidDispose: disposed.event,
    /** The user moves the focus. */
    focus: () => viewState.fire(),
    reveal() {
      panel.revealed++;
    },
    dispose() {
      panel.isDisposed = true;
      disposed.fire();
    },
  };
  editor.panels.push(panel as never);
  return panel;
}

const folders = () =>
  editor.folder === ''
    ? undefined
    : [{ uri: Uri.file(editor.folder), name: basename(editor.folder), index: 0 }];

const isInside = (uri: Uri) => editor.folder !== '' && uri.path.startsWith(`${editor.folder}/`);

export const workspace = {
  get isTrusted() {
    return editor.isTrusted;
  },
  get workspaceFolders() {
    return folders();
  },
  getWorkspaceFolder: (uri: Uri) => (isInside(uri) ? folders()?.[0] : undefined),
  asRelativePath: (uri: Uri) => (isInside(uri) ? relative(editor.folder, uri.path) : uri.path),
  getConfiguration: () => ({ get: (name: string, fallback: unknown) => editor.settings[name] ?? fallback }),
  onDidChangeWorkspaceFolders: (listener: () => void) => on('workspace folders', listener),
  onDidGrantWorkspaceTrust: (listener: () => void) => on('trust', listener),
  openTextDocument: async (source: Parameters<typeof documentOf>[0]) => Promise.resolve(documentOf(source)),
  async save(uri: Uri) {
    const document = documentOf(uri);
    if (editor.answer({ kind: 'folder', text: 'save', choices: [] }) === 'cancel')
      return Promise.resolve(undefined);
    const target = uri.with({ scheme: 'file' });
    writeFileSync(target.path, document.getText());
    document.isDirty = false;
    return Promise.resolve(target);
  },
  async applyEdit(edit: WorkspaceEdit) {
    for (const { file, range, text } of edit.replacements) documentOf(file).replace(range, text);
    return Promise.resolve(true);
  },
  async findFiles(pattern: string | RelativePattern, ignore: string, limit: number) {
    const cwd = typeof pattern === 'string' ? editor.folder : pattern.base.path;
    const glob = typeof pattern === 'string' ? pattern : pattern.pattern;
    const found = globSync([glob], { cwd, ignore: [ignore], dot: true, absolute: true });
    return Promise.resolve(
      found
        .sort()
        .slice(0, limit)
        .map((path) => Uri.file(path)),
    );
  },
  createFileSystemWatcher() {
    const subscribe = (listeners: Set<(file: Uri) => void>) => (listener: (file: Uri) => void) => {
      // The same listener may follow several watchers.
      const called = (file: Uri) => listener(file);
      listeners.add(called);
      return new Disposable(() => void listeners.delete(called));
    };

    const { created, changed, deleted } = editor.files;
    return {
      onDidCreate: subscribe(created as never),
      onDidChange: subscribe(changed as never),
      onDidDelete: subscribe(deleted as never),
      dispose: () => undefined,
    };
  },
  fs: {
    async stat(uri: Uri) {
      return Promise.resolve(statSync(uri.path));
    },
    async readFile(uri: Uri) {
      return Promise.resolve(new Uint8Array(readFileSync(uri.path)));
    },
    async writeFile(uri: Uri, bytes: Uint8Array) {
      writeFileSync(uri.path, bytes);
      return Promise.resolve();
    },
    async readDirectory(uri: Uri) {
      const entries = readdirSync(uri.path, { withFileTypes: true });
      return Promise.resolve(entries.map((entry) => [entry.name, typeOf(entry)] as const));
    },
    async copy(from: Uri, to: Uri) {
      if (existsSync(to.path)) throw new FileSystemError(`${to.path} is there.`, 'FileExists');
      cpSync(from.path, to.path, { recursive: true });
      return Promise.resolve();
    },
    async delete(uri: Uri) {
      rmSync(uri.path, { recursive: true });
      return Promise.resolve();
    },
  },
};

const typeOf = (entry: { isDirectory(): boolean; isFile(): boolean }) =>
  entry.isDirectory() ? FileType.Directory : entry.isFile() ? FileType.File : FileType.SymbolicLink;

export const languages = {
  createLanguageStatusItem: (id: string) => registered(`language status ${id}`, { dispose: () => undefined }),
  getDiagnostics: (uri: Uri): Diagnostic[] => editor.diagnostics.get(uri.toString()) ?? [],
  onDidChangeDiagnostics: (listener: () => void) => on('diagnostics', listener),
};

export const l10n = {
  t: (text: string, ...args: readonly (string | number)[]) =>
    text.replace(/\{(\d)\}/g, (_, index: string) => String(args[Number(index)])),
};

export const commands = {
  registerCommand(name: string, body: (...args: unknown[]) => unknown) {
    editor.commands.set(name, body);
    return new Disposable(() => void editor.commands.delete(name));
  },
  async executeCommand(name: string, ...args: unknown[]): Promise<unknown> {
    editor.executed.push([name, ...args]);
    return Promise.resolve(editor.commands.get(name)?.(...args));
  },
  getCommands: () => Promise.resolve([...editor.commands.keys()]),
};

export const tasks = {
  registerTaskProvider: (type: string, provider: object) =>
    Object.assign(registered(`tasks ${type}`, provider), { dispose: () => undefined }),
};

export const tests = {
  createTestController(id: string) {
    const items = new Map<string, unknown>();
    return registered(`tests ${id}`, {
      items: {
        replace(all: readonly { readonly id: string }[]) {
          items.clear();
          for (const item of all) items.set(item.id, item);
        },
        [Symbol.iterator]: () => items.entries(),
      },
      createTestItem: (item: string, label: string, uri: Uri) => ({ id: item, label, uri }),
      createTestRun: () => registered('test run', createTestRun()),
      createRunProfile: (name: string, _kind: number, run: unknown) => registered(`profile ${name}`, run),
      dispose: () => undefined,
    });
  },
};

/** Notes the outcome of each item. */
function createTestRun() {
  const outcomes: (readonly [outcome: string, item: string, message?: string, line?: number])[] = [];
  const note =
    (outcome: string) =>
    (
      item: { readonly label: string },
      message?: { readonly message: string; readonly location?: Location },
    ) =>
      void outcomes.push(
        message?.message === undefined
          ? [outcome, item.label]
          : [outcome, item.label, message.message, message.location?.range.start.line ?? -1],
      );
  const output: string[] = [];
  return {
    outcomes,
    output,
    appendOutput: (text: string) => void output.push(text),
    ...{ started: note('started'), passed: note('passed'), failed: note('failed') },
    ...{ errored: note('errored'), skipped: note('skipped') },
    end: () => undefined,
  };
}
