// The classes and constants of the module `vscode` that test/kit/vscode.ts plays.
import { posix } from 'node:path';

export class Uri {
  private constructor(
    readonly scheme: string,
    readonly authority: string,
    readonly path: string,
    readonly query: string,
    readonly fragment: string,
  ) {}

  static from(parts: Partial<Pick<Uri, 'scheme' | 'authority' | 'path' | 'query' | 'fragment'>>): Uri {
    const { scheme = 'file', authority = '', path = '', query = '', fragment = '' } = parts;
    return new Uri(scheme, authority, path, query, fragment);
  }

  static file(path: string): Uri {
    return Uri.from({ path });
  }

  static parse(text: string): Uri {
    const [, scheme = '', authority = '', path = '', query = '', fragment = ''] =
      /^([\w+.-]+):(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/.exec(text) ?? [];
    const [decodedPath, decodedQuery, decodedFragment] = [path, query, fragment].map(decodeURIComponent);
    return new Uri(scheme, authority, decodedPath!, decodedQuery!, decodedFragment!);
  }

  static joinPath(base: Uri, ...parts: string[]): Uri {
    return base.with({ path: posix.join(base.path, ...parts) });
  }

  get fsPath(): string {
    return this.path;
  }

  with(change: Partial<Pick<Uri, 'scheme' | 'authority' | 'path' | 'query' | 'fragment'>>): Uri {
    const { scheme, authority, path, query, fragment } = this;
    return Uri.from({ scheme, authority, path, query, fragment, ...change });
  }

  toString(): string {
    const path = this.path.split('/').map(encodeURIComponent).join('/');
    const query = this.query === '' ? '' : `?${encodeURIComponent(this.query)}`;
    const fragment = this.fragment === '' ? '' : `#${encodeURIComponent(this.fragment)}`;
    return `${this.scheme}:${this.scheme === 'file' ? '//' : ''}${this.authority}${path}${query}${fragment}`;
  }
}

export class Disposable {
  constructor(readonly dispose: () => void) {}

  static from(...parts: readonly { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const part of parts) part.dispose();
    });
  }
}

export class EventEmitter<T> {
  readonly #listeners = new Set<(event: T) => void>();
  readonly event = (listener: (event: T) => void) => {
    this.#listeners.add(listener);
    return new Disposable(() => void this.#listeners.delete(listener));
  };

  fire(event: T): void {
    for (const listener of this.#listeners) listener(event);
  }

  dispose(): void {
    this.#listeners.clear();
  }
}

export class CancellationTokenSource {
  readonly #cancelled = new EventEmitter<void>();
  readonly token = {
    isCancellationRequested: false,
    onCancellationRequested: this.#cancelled.event,
  };

  cancel(): void {
    this.token.isCancellationRequested = true;
    this.#cancelled.fire();
  }

  dispose(): void {
    this.#cancelled.dispose();
  }
}

export class Position {
  constructor(
    readonly line: number,
    readonly character: number,
  ) {}
}

export class Range {
  readonly start: Position;
  readonly end: Position;

  constructor(line: number, character: number, endLine: number, endCharacter: number) {
    this.start = new Position(line, character);
    this.end = new Position(endLine, endCharacter);
  }
}

export class Selection {
  constructor(
    readonly start: Position,
    readonly end: Position,
  ) {}
}

export class RelativePattern {
  constructor(
    readonly base: Uri,
    readonly pattern: string,
  ) {}
}

export class WorkspaceEdit {
  readonly replacements: { readonly file: Uri; readonly range: Range; readonly text: string }[] = [];

  replace(file: Uri, range: Range, text: string): void {
    this.replacements.push({ file, range, text });
  }
}

export class TreeItem {
  constructor(
    readonly label: string,
    readonly collapsibleState?: number,
  ) {}
}

export class ThemeIcon {
  constructor(readonly id: string) {}
}

export class TestMessage {
  constructor(readonly message: string) {}
}

export class Location {
  constructor(
    readonly uri: Uri,
    readonly range: Range,
  ) {}
}

export class CustomExecution {
  constructor(readonly callback: () => Promise<unknown>) {}
}

export class Task {
  constructor(
    readonly definition: unknown,
    readonly scope: unknown,
    readonly name: string,
    readonly source: string,
    readonly execution: CustomExecution,
    readonly problemMatchers: readonly string[],
  ) {}
}

export class FileSystemError extends Error {
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

export const DiagnosticSeverity = { Error: 0, Warning: 1, Information: 2, Hint: 3 };
export const FileType = { Unknown: 0, File: 1, Directory: 2, SymbolicLink: 64 };
export const ProgressLocation = { Window: 10, Notification: 15 };
export const StatusBarAlignment = { Left: 1, Right: 2 };
export const TaskGroup = { Build: 'build' };
export const TestRunProfileKind = { Run: 1 };
export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 };
export const TextEditorRevealType = { InCenterIfOutsideViewport: 2 };
export const ViewColumn = { Active: -1, Beside: -2, One: 1 };
