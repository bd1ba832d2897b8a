import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { LogMessageParams } from 'vscode-languageserver-protocol';
import type { TestClient } from '../../kit/lspClient.js';
import { changeOf, randoms, startingTexts, type Random } from './texts.js';

export interface SoakOptions {
  /** The server that is tried. */
  readonly client: TestClient;
  /** Another server, which has seen nothing before. */
  readonly fresh: () => Promise<TestClient>;
  /** A folder with the example in it. */
  readonly folder: string;
  /** The text of the example's config. */
  readonly digits: string;
  readonly seed: number;
  readonly edits: number;
  /** Milliseconds for which the server has computed; left out: those of the wall clock. */
  readonly clock?: () => number;
  /** Called after each burst. */
  readonly onBurst?: (edits: number) => void;
}

export interface SoakResult {
  readonly edits: number;
  readonly bursts: number;
  readonly requests: number;
  /** The longest that an answer took by that clock, in milliseconds, to what, and the text then. */
  readonly slowest: { readonly ms: number; readonly method: string; readonly text: string };
}

/** What editors ask for while somebody types. */
const METHODS = [
  'completion',
  'hover',
  'documentSymbol',
  'foldingRange',
  'codeAction',
  'inlayHint',
  'codeLens',
  'documentLink',
  'selectionRange',
  'definition',
  'documentHighlight',
  'prepareRename',
  'semanticTokens/full',
  'diagnostic',
];
const LONGEST_BURST = 120;
/**
 * For how long, and for how many answers, findings of files may be missing: an answer waits a tenth of a second for what files
 * say, and on a busy machine many of them may pass before a file has been read.
 */
const MAX_LATE_MS = 5000;
const LATE_ANSWERS = 100;
/** Texts that have grown past this are given up for their beginning. */
const LONGEST_TEXT = 60_000;

/**
 * Bursts of random edits with requests in between. Throws when an answer is an internal error, the server logs one, or
 * the diagnostics after a burst are others than those of a fresh server.
 */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { client, digits, folder, clock = () => performance.now() } = options;
  const random = randoms(options.seed);
  const logged: string[] = [];
  client.connection.onNotification('window/logMessage', ({ type, message }: LogMessageParams) => {
    if (type === 1) logged.push(message);
  });
  const total = { edits: 0, bursts: 0, requests: 0, slowest: { ms: 0, method: '', text: '' } };
  const texts = startingTexts(digits);
  const asked = async (method: string, params: object, text: string) => {
    const begun = clock();
    const answer = await client.connection.sendRequest<unknown>(method, params);
    const ms = clock() - begun;
    total.requests++;
    if (ms > total.slowest.ms) total.slowest = { ms, method, text };
    return answer;
  };

  while (total.edits < options.edits) {
    const start = texts[random(texts.length)]!;
    const uri = pathToFileURL(join(folder, start.name)).href;
    let document = TextDocument.create(uri, start.language, 1, start.text);
    const open = { uri, languageId: start.language, version: 1, text: start.text };
    await client.connection.sendNotification('textDocument/didOpen', { textDocument: open });
    for (let burst = 0; burst < 4 && document.getText().length < LONGEST_TEXT; burst++) {
      document = await edited(client, document, random, total, asked);
      const text = document.getText();
      const diagnose = () => asked('textDocument/diagnostic', { textDocument: { uri } }, text);
      const expected = await freshDiagnostics(await options.fresh(), uri, start.language, text);
      let found = await diagnose();
      // What files say may come late on a busy machine: clients are asked to ask again then.
      const end = performance.now() + MAX_LATE_MS;
      for (let late = 0; !isSame(found, expected); late++) {
        if (late >= LATE_ANSWERS && performance.now() > end) break;
        await new Promise((resolve) => setTimeout(resolve, late));
        found = await diagnose();
      }

      if (!isSame(found, expected) || logged.length > 0) {
        const differences = { missing: without(expected, found), extra: without(found, expected) };
        throw new Error(failure({ seed: options.seed, ...differences, logged, text }));
      }

      total.bursts++;
      options.onBurst?.(total.edits);
    }

    await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  }

  return total;
}

async function edited(
  client: TestClient,
  before: TextDocument,
  random: Random,
  total: { edits: number },
  asked: (method: string, params: object, text: string) => Promise<unknown>,
): Promise<TextDocument> {
  const { uri } = before;
  let document = before;
  const count = 1 + random(LONGEST_BURST);
  for (let i = 0; i < count; i++) {
    const { start, end, text } = changeOf(document.getText(), random);
    const change = { range: { start: document.positionAt(start), end: document.positionAt(end) }, text };
    const version = document.version + 1;
    document = TextDocument.update(document, [change], version);
    total.edits++;
    await client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version },
      contentChanges: [change],
    });
    if (random(3) > 0) continue;
    const method = METHODS[random(METHODS.length)]!;
    const position = document.positionAt(random(document.getText().length + 1));
    const range = { start: { line: 0, character: 0 }, end: document.positionAt(Infinity) };
    const params = {
      textDocument: { uri },
      ...(method === 'selectionRange' ? { positions: [position] } : { position }),
      ...(/codeAction|inlayHint/.test(method) ? { range } : {}),
      ...(method === 'codeAction' ? { context: { diagnostics: [], only: ['source.fixAll'] } } : {}),
    };
    await asked(`textDocument/${method}`, params, document.getText());
  }

  return document;
}

async function freshDiagnostics(
  client: TestClient,
  uri: string,
  language: string,
  text: string,
): Promise<unknown> {
  await client.open(uri, text, language);
  const answer = await client.connection.sendRequest('textDocument/diagnostic', { textDocument: { uri } });
  await client.stop();
  return answer;
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** The findings of an answer that another one does not have. */
function without(answer: unknown, other: unknown): unknown[] {
  const items = (from: unknown) => (from as { readonly items?: readonly unknown[] }).items ?? [];
  return items(answer).filter((item) => !items(other).some((known) => isSame(item, known)));
}

function failure(what: Record<string, unknown>): string {
  return `The server failed:\n${JSON.stringify(what).slice(0, 20_000)}`;
}
