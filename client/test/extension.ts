import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { QuantizationReport } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { afterEach, beforeEach } from 'vitest';
import { editor, resetEditor, type Question, type ServerCommand } from '../../test/kit/editor.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { activate } from '../src/extension.js';

/** The extension, active in a played editor (test/kit/vscode.ts) on an empty folder. */
export interface Extension {
  readonly folder: () => string;
  readonly uri: (name: string) => vscode.Uri;
  /** Writes a file of the folder. */
  readonly write: (name: string, text?: string) => vscode.Uri;
  /** Writes a report of a config's run, as beside a model or as the history keeps it. */
  readonly writeReport: (name: string, config: string, change?: Partial<QuantizationReport>) => vscode.Uri;
  readonly open: (name: string) => Promise<void>;
  readonly command: (name: string, ...args: unknown[]) => Promise<unknown>;
  /** Which runs the extension remembers for the next window. */
  readonly remembered: () => unknown[];
  /** Activates it again, as a reloaded window does. */
  readonly activate: () => Promise<void>;
}

export function activeExtension(): Extension {
  let folder = '';
  const subscriptions: { dispose(): unknown }[] = [];

  const context = () => ({
    subscriptions,
    extensionUri: vscode.Uri.file(join(import.meta.dirname, '../..')),
    asAbsolutePath: (path: string) => join(import.meta.dirname, '../..', path),
    storageUri: vscode.Uri.file(join(folder, '.storage')),
  });
  const start = () => activate(context() as never);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'quantsmith-client-'));
    resetEditor();
    editor.folder = folder;
    await start();
  });
  afterEach(() => {
    for (const part of subscriptions.splice(0)) part.dispose();
    rmSync(folder, { recursive: true });
  });

  const uri = (name: string) => vscode.Uri.file(join(folder, name));
  const write = (name: string, text = '') => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
    return uri(name);
  };

  return {
    folder: () => folder,
    uri,
    write,
    writeReport: (name, config, change = {}) =>
      write(
        name,
        JSON.stringify(
          sampleReport({ config: { path: join(folder, config), sha256: 'a'.repeat(64) }, ...change }),
        ),
      ),
    open: async (name) => {
      await vscode.window.showTextDocument(uri(name));
    },
    command: async (name, ...args) => vscode.commands.executeCommand(`quantsmith.${name}`, ...args),
    remembered: () => {
      const storage = join(folder, '.storage/running');
      if (!existsSync(storage)) return [];
      return readdirSync(storage).map((name): unknown =>
        JSON.parse(readFileSync(join(storage, name), 'utf8')),
      );
    },
    activate: start,
  };
}

/** Answers questions by their text; others are dismissed. */
export function answer(answers: Readonly<Record<string, string>>): void {
  editor.answer = ({ text }: Question) => Object.entries(answers).find(([part]) => text.includes(part))?.[1];
}

/** The commands that the extension ran, less those that set context keys. */
export const executed = () => editor.executed.filter(([name]) => name !== 'setContext');

export const lastQuestion = (): Question | undefined => editor.questions.at(-1);

/** Waits until everything that was begun has gone on as far as it can. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Commands that the server was sent, which answers them with the same value. */
export function serverAnswers(value: unknown): ServerCommand[] {
  const sent: ServerCommand[] = [];
  editor.server = (command) => {
    sent.push(command);
    if (value instanceof Error) throw value;
    return value;
  };

  return sent;
}
