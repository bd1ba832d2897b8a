import { Ajv, type ValidateFunction } from 'ajv';
import { readFileSync } from 'node:fs';
import { Message, type MessageReader, type MessageWriter } from 'vscode-languageserver-protocol';
import { StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver-protocol/node';

/** The ends of a client's connection, and what the server has sent that the protocol does not allow. */
export interface CheckedStreams {
  readonly reader: MessageReader;
  readonly writer: MessageWriter;
  readonly violations: string[];
}

/** What is no part of the model of messages: answers to questions that the protocol itself does not know. */
type Validators = Record<'results' | 'sent', (method: string) => ValidateFunction | undefined>;

/** Streams on which every message of the server is checked against the protocol's types, extra properties included. */
export function checkedStreams(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  schemaPath = process.env['QUANTSMITH_LSP_SCHEMA'] ?? '',
): CheckedStreams {
  const validators = readValidators(schemaPath);
  const reader = new StreamMessageReader(input);
  const writer = new StreamMessageWriter(output);
  const asked = new Map<number | string | null, string>();
  const violations: string[] = [];
  const write = writer.write.bind(writer);
  writer.write = (message) => {
    if (Message.isRequest(message)) asked.set(message.id, message.method);
    return write(message);
  };
  const listen = reader.listen.bind(reader);
  reader.listen = (callback) =>
    listen((message) => {
      violations.push(...problemsOf(message, asked, validators));
      callback(message);
    });
  return { reader, writer, violations };
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

function problemsOf(
  message: Message,
  asked: ReadonlyMap<number | string | null, string>,
  { results, sent }: Validators,
): string[] {
  if (Message.isResponse(message)) {
    const method = asked.get(message.id);
    if (method === undefined) return [`an answer to ${String(message.id)}, which nobody asked`];
    if (message.error !== undefined) {
      const { code, message: text } = message.error;
      return Number.isInteger(code) && typeof text === 'string' ? [] : [`${method}: a malformed error`];
    }
    return checked(`answer to ${method}`, results(method), message.result);
  }
  if (!Message.isRequest(message) && !Message.isNotification(message)) return ['a message of no kind'];
  return checked(message.method, sent(message.method), message.params ?? null);
}

function checked(what: string, validate: ValidateFunction | undefined, value: unknown): string[] {
  if (validate === undefined) return [`${what}: not in test/lsp/messages.ts`];
  if (validate(value)) return [];
  const found = (validate.errors ?? []).slice(0, 3).map((error) => `${error.instancePath} ${error.message}`);
  return [`${what}: ${found.join('; ')} in ${JSON.stringify(value)?.slice(0, 400)}`];
}
