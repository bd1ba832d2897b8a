// A JSON Schema of all messages that a server may send, made from the types of vscode-languageserver-protocol (from which
// the protocol's metaModel.json is made too). Kept under .tools/ until the types change.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const messages = `${root}test/lsp/messages.ts`;

/** The path of the schema, which is made when it is not there. */
export async function messageSchema() {
  const version = (name) =>
    JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, 'utf8')).version;
  const hash = createHash('sha256')
    .update(readFileSync(messages))
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(version('vscode-languageserver-protocol') + version('ts-json-schema-generator'))
    .digest('hex')
    .slice(0, 12);
  const path = `${root}.tools/lsp-messages-${hash}.json`;
  if (existsSync(path)) return path;
  const { createGenerator } = await import('ts-json-schema-generator');
  const schema = createGenerator({
    path: messages,
    tsconfig: `${root}tsconfig.json`,
    type: 'Messages',
    skipTypeCheck: true,
    additionalProperties: false,
  }).createSchema('Messages');
  // TypeScript has one type of number, the protocol three.
  Object.assign(schema.definitions, {
    uinteger: { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 },
    integer: { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  });
  mkdirSync(`${root}.tools`, { recursive: true });
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(schema));
  renameSync(`${path}.${process.pid}`, path);
  return path;
}
