import { Ajv, type ValidateFunction } from 'ajv';
import { readFileSync } from 'node:fs';
import {
  Message,
  type ClientCapabilities,
  type InitializeParams,
  type MessageReader,
  type MessageWriter,
} from 'vscode-languageserver-protocol';
import { StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver-protocol/node';
import { gatedMessage, gatedParts } from './gates.js';
import { isErrorCode } from './protocol.js';

/** The ends of a client's connection, and what the server has sent that the protocol does not allow. */
export interface CheckedStreams {
  readonly reader: MessageReader;
  readonly writer: MessageWriter;
  readonly violations: string[];
}

/** What is no part of the model of messages: answers to questions that the protocol itself does not know. */
type Validators = Record<'results' | 'sent', (method: string) => ValidateFunction | undefined>;

/** What is known of a session while its messages pass. */
interface Passed {
  readonly asked: Map<number | string | null, string>;
  /** Requests of the server that wait for their answer, and tokens of progress that the client knows. */
  readonly ids: Set<number | string | null>;
  readonly tokens: Set<unknown>;
  client: ClientCapabilities;
  trace: unknown;
}

/**
 * Streams on which every message of the server is checked against the protocol's types, extra properties included, and
 * against what the client has said that it takes.
 */
export function checkedStreams(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  schemaPath = process.env['QUANTSMITH_LSP_SCHEMA'] ?? '',
): CheckedStreams {
  const validators = readValidators(schemaPath);
  const reader = new StreamMessageReader(input);
  const writer = new StreamMessageWriter(output);
  const passed: Passed = {
    asked: new Map(),
    ids: new Set(),
    tokens: new Set(),
    client: {},
    trace: undefined,
  };
  const violations: string[] = [];
  const write = writer.write.bind(writer);
  writer.write = (message) => {
    note(message, passed);
    return write(message);
  };

  const listen = reader.listen.bind(reader);
  reader.listen = (callback) =>
    listen((message) => {
      violations.push(...problemsOf(message, passed, validators));
      callback(message);
    });
  return { reader, writer, violations };
}

/** Takes down what a message of the client says for those of the server. */
function note(message: Message, passed: Passed): void {
  if (Message.isResponse(message)) return void passed.ids.delete(message.id);
  if (!Message.isRequest(message) && !Message.isNotification(message)) return;
  const params = (message.params ?? {}) as Partial<InitializeParams> & { value?: unknown };
  if (params.workDoneToken !== undefined) passed.tokens.add(params.workDoneToken);
  if (message.method === 'initialize')
    Object.assign(passed, { client: params.capabilities ?? {}, trace: params.trace });
  if (message.method === '$/setTrace') passed.trace = params.value;
  if (Message.isRequest(message)) passed.asked.set(message.id, message.method);
}

/** Compiled once for all clients of a test file. */
const compiled = new Map<string, Validators>();

function readValidators(path: string): Validators {
  const known = compiled.get(path);
  if (known !== undefined) return known;
  const schema = JSON.parse(readFileSync(path, 'utf8')) as {
    definitions: Record<'Results' | 'Sent', { properties: Record<string, unknown> }>;
  };
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addSchema(schema, 'lsp');
  const of = (kind: 'Results' | 'Sent') => (method: string) => {
    if (schema.definitions[kind].properties[method] === undefined) return undefined;
    // In a pointer, a slash within a name is written ~1.
    const pointer = `lsp#/definitions/${kind}/properties/${method.replaceAll('/', '~1')}`;
    return ajv.getSchema(pointer);
  };

  const validators = { results: of('Results'), sent: of('Sent') };
  compiled.set(path, validators);
  return validators;
}

function problemsOf(message: Message, passed: Passed, { results, sent }: Validators): string[] {
  if (Message.isResponse(message)) {
    const method = passed.asked.get(message.id);
    passed.asked.delete(message.id);
    if (method === undefined) return [`an answer to ${String(message.id)}, which nobody asked`];
    if (message.error !== undefined) {
      const { code, message: text } = message.error;
      const sound = Number.isInteger(code) && isErrorCode(code) && typeof text === 'string' && text !== '';
      return sound && message.result === undefined ? [] : [`${method}: a malformed error ${code} ${text}`];
    }

    return [
      ...checked(`answer to ${method}`, results(method), message.result),
      ...gatedParts(method, message.result, passed.client),
    ];
  }

  if (!Message.isRequest(message) && !Message.isNotification(message)) return ['a message of no kind'];
  const { method, params = null } = message;
  return [
    ...checked(method, sent(method), params),
    ...gatedMessage(method, params, passed.client),
    ...gatedParts(method, params, passed.client),
    ...outOfTurn(message, passed),
  ];
}

/** Progress that nobody waits for, an id that is taken, a trace that was not asked for. */
function outOfTurn(message: Message, { ids, tokens, trace }: Passed): string[] {
  if (Message.isRequest(message)) {
    const taken = ids.has(message.id);
    ids.add(message.id);
    const { token } = (message.params ?? {}) as { token?: unknown };
    if (message.method === 'window/workDoneProgress/create') tokens.add(token);
    return taken ? [`${message.method}: the id ${String(message.id)} waits for an answer already`] : [];
  }

  if (!Message.isNotification(message)) return [];
  const { token } = (message.params ?? {}) as { token?: unknown };
  if (message.method === '$/progress' && !tokens.has(token)) return ['$/progress with a token of nobody'];
  if (message.method === '$/logTrace' && (trace === undefined || trace === 'off'))
    return ['$/logTrace, which nobody asked for'];
  return [];
}

function checked(what: string, validate: ValidateFunction | undefined, value: unknown): string[] {
  if (validate === undefined) return [`${what}: not in test/lsp/messages.ts`];
  if (validate(value)) return [];
  const found = (validate.errors ?? []).slice(0, 3).map((error) => `${error.instancePath} ${error.message}`);
  return [`${what}: ${found.join('; ')} in ${JSON.stringify(value).slice(0, 400)}`];
}
