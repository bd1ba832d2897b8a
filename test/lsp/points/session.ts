import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { encodeModel, type ModelProto } from '@quantsmith/model/onnx';
import type {
  CodeAction,
  CodeActionContext,
  CompletionItem,
  CompletionList,
  Diagnostic,
  DocumentDiagnosticReport,
  Hover,
  Position,
  TextDocumentEdit,
  TextEdit,
} from 'vscode-languageserver-protocol';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { inMemory, type TestClient } from '../../kit/lspClient.js';
import { floats, model, node, value } from '../../kit/models.js';

// One server and a folder of a few files, and what a client asks in few words.

/** A client that pulls, and takes everything. */
const CAPABILITIES = {
  workspace: {
    diagnostics: { refreshSupport: true },
    workspaceFolders: true,
    workspaceEdit: { documentChanges: true, resourceOperations: ['create' as const] },
    fileOperations: { willRename: true },
  },
  textDocument: {
    diagnostic: { relatedDocumentSupport: false },
    publishDiagnostics: { relatedInformation: true },
    hover: { contentFormat: ['markdown' as const] },
    codeAction: {
      codeActionLiteralSupport: { codeActionKind: { valueSet: [''] } },
      isPreferredSupport: true,
    },
    completion: { completionItem: { documentationFormat: ['markdown' as const] }, contextSupport: true },
  },
};

/** What a document is asked. Positions are where `‸` stands in a text, which it is taken out of. */
interface Asked {
  readonly uri: string;
  readonly text: string;
  readonly position: Position;
  readonly diagnostics: () => Promise<Diagnostic[]>;
  /** `code line: message`, from line 1. */
  readonly found: () => Promise<string[]>;
  readonly actions: (context?: Partial<CodeActionContext>) => Promise<CodeAction[]>;
  /** The text after the action whose title is that. */
  readonly after: (title: string | RegExp) => Promise<string>;
  /** `at`: instead of the place of `‸`. */
  readonly complete: (
    trigger?: string,
    at?: Position,
  ) => Promise<{ items: CompletionItem[]; isIncomplete: boolean }>;
  /** The labels of the first completions. */
  readonly labels: (count?: number) => Promise<string[]>;
  readonly hover: () => Promise<string>;
  readonly ask: <T>(method: string, more?: object) => Promise<T>;
  /** The text after the edits that a request answers with. */
  readonly edited: (method: string, more?: object) => Promise<string>;
}

export interface PointSession {
  readonly client: TestClient;
  readonly folder: string;
  readonly uriOf: (name: string) => string;
  readonly write: (name: string, content?: string | Uint8Array) => void;
  /** Opens a text. `name`: its place in the folder, which says the notation. */
  readonly open: (text: string, name?: string, languageId?: string) => Promise<Asked>;
  readonly stop: () => Promise<void>;
}

/** Two convolutions over images of 32 × 32, to ten classes. */
function smallModel(): ModelProto {
  return model({
    inputs: [value('image', ['N', 3, 32, 32])],
    outputs: [value('logits', ['N', 10])],
    nodes: [
      node('Conv', ['image', 'w1'], ['c1'], {}, 'Conv_0'),
      node('Relu', ['c1'], ['r1'], {}, 'Relu_1'),
      node('Conv', ['r1', 'w2'], ['c2'], {}, 'Conv_2'),
      node('GlobalAveragePool', ['c2'], ['p'], {}, 'Pool_3'),
      node('Flatten', ['p'], ['logits'], {}, 'Flatten_4'),
    ],
    initializers: [
      floats('w1', [8, 3, 1, 1], new Float32Array(24).fill(0.1)),
      floats('w2', [10, 8, 1, 1], new Float32Array(80).fill(0.2)),
    ],
  });
}

export async function startPoints(more: object = {}): Promise<PointSession> {
  const folder = mkdtempSync(join(tmpdir(), 'quantsmith-points-'));
  const uriOf = (name: string) => pathToFileURL(join(folder, name)).href;
  const write = (name: string, content: string | Uint8Array = '') => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  };

  write('m.onnx', encodeModel(smallModel()));
  const root = pathToFileURL(folder).href;
  const client = await inMemory({
    capabilities: CAPABILITIES,
    workspaceFolders: [{ uri: root, name: 'points' }],
    ...more,
  });
  let count = 0;

  return {
    client,
    folder,
    uriOf,
    write,
    async open(marked, name = `${count++}.quant.yaml`, languageId) {
      const offset = marked.indexOf('‸');
      const text = marked.replace('‸', '');
      const uri = /^[a-z]+:/.test(name) ? name : uriOf(name);
      await client.open(uri, text, languageId ?? (/json/.test(name) ? 'quant-json' : 'quant-yaml'));
      return asked(client, uri, text, offset);
    },
    async stop() {
      await client.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function asked(client: TestClient, uri: string, text: string, offset: number): Asked {
  const document = TextDocument.create(uri, '', 1, text);
  const position = document.positionAt(Math.max(0, offset));
  const ask = <T>(method: string, params: object = {}) =>
    client.connection.sendRequest<T>(`textDocument/${method}`, {
      textDocument: { uri },
      position,
      ...params,
    });
  const diagnostics = async () => {
    const report = await ask<DocumentDiagnosticReport>('diagnostic');
    return report.kind === 'full' ? report.items : [];
  };

  const actions = async (context: Partial<CodeActionContext> = {}) => {
    const known = context.diagnostics ?? (await diagnostics());
    const whole = { start: { line: 0, character: 0 }, end: document.positionAt(text.length) };
    const range = offset < 0 ? whole : { start: position, end: position };
    const params = { range, context: { triggerKind: 1, ...context, diagnostics: known } };
    return (await ask<CodeAction[] | null>('codeAction', params)) ?? [];
  };

  const complete = async (trigger?: string, at: Position = position) => {
    const context = trigger === undefined ? {} : { context: { triggerKind: 2, triggerCharacter: trigger } };
    const list = await ask<CompletionList>('completion', { ...context, position: at });
    return { items: list.items, isIncomplete: list.isIncomplete };
  };

  return {
    uri,
    text,
    position,
    diagnostics,
    async found() {
      return (await diagnostics()).map(
        ({ code, range, message }) => `${code} ${range.start.line + 1}: ${message as string}`,
      );
    },
    actions,
    async after(title) {
      const all = await actions();
      const action = all.find((one) =>
        typeof title === 'string' ? one.title === title : title.test(one.title),
      );
      if (action === undefined) throw new Error(`No such action: ${all.map((one) => one.title).join(' | ')}`);
      return TextDocument.applyEdits(document, editsOf(action, uri));
    },
    complete,
    async labels(count = 5) {
      const { items } = await complete();
      const sorted = items.toSorted((a, b) => ((a.sortText ?? '') < (b.sortText ?? '') ? -1 : 1));
      return sorted.slice(0, count).map(({ label }) => label);
    },
    async hover() {
      const answer = await ask<Hover | null>('hover');
      return answer === null ? '' : (answer.contents as { value: string }).value;
    },
    ask,
    edited: async (method, more) =>
      TextDocument.applyEdits(document, (await ask<TextEdit[] | null>(method, more)) ?? []),
  };
}

/** The edits of an action in a document, in whichever form. */
export function editsOf({ edit }: CodeAction, uri: string): TextEdit[] {
  const versioned = (edit?.documentChanges ?? []).filter(
    (change): change is TextDocumentEdit => 'textDocument' in change && change.textDocument.uri === uri,
  );
  return [...(edit?.changes?.[uri] ?? []), ...versioned.flatMap(({ edits }) => edits as TextEdit[])];
}
