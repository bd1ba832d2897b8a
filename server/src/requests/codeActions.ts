import {
  CodeActionKind,
  CodeActionTriggerKind,
  type CodeAction,
  type CodeActionContext,
  type CodeActionParams,
  type Diagnostic,
  type Position,
} from 'vscode-languageserver/node';
import {
  codeActions,
  type ConfigDocument,
  convertActions,
  convertedFile,
  findAll,
  FIX_ALL,
  fixAll,
  keepsReadable,
  layerActions,
  rewrites,
  wants,
} from '@quantsmith/service';
import { adaptActions } from '../client/adaptToClient.js';
import { versionsOf, type Session } from '../session/session.js';
import { lookAt } from '../sources/look.js';

/** Fixes, actions on layers and rewrites, as far as they are asked for, in the forms that the client takes. */
export async function codeActionsFor(
  session: Session,
  document: ConfigDocument,
  { context, range }: CodeActionParams,
) {
  const versionOf = versionsOf(session);
  // Whole rewrites are made when somebody asks for refactorings, not at every move of the cursor.
  const isAsked = (context.only ?? null) !== null || context.triggerKind === CodeActionTriggerKind.Invoked;

  // Every edit is read again before it is offered.
  const isSound = ({ edit }: CodeAction) => keepsReadable(document, edit?.changes?.[document.text.uri] ?? []);
  const refactor = isAsked && wants(context.only, CodeActionKind.RefactorRewrite);
  const fixes = [
    ...codeActions(document, { ...context, diagnostics: await withData(session, document, context) }),
    ...(wants(context.only, CodeActionKind.Refactor) ? await onLayers(session, document, range.start) : []),
    ...(refactor ? await refactorings(session, document) : []),
  ];

  if (!wants(context.only, FIX_ALL))
    return adaptActions(fixes.filter(isSound), versionOf, session.capabilities);
  const known = await session.contextOf(document);
  // What somebody does not want to hear of, nobody changes for them.
  const visible = (current: ConfigDocument) =>
    findAll(current, known).findings.filter(({ code }) => session.settings.severities[code] !== 'off');

  const all = [...fixes, ...fixAll(document, visible)].filter(isSound);

  return adaptActions(all, versionOf, session.capabilities);
}

/** Diagnostics as they were sent: clients may send them back without the data that fixes need. */
async function withData(
  session: Session,
  document: ConfigDocument,
  { diagnostics }: CodeActionContext,
): Promise<Diagnostic[]> {
  if (diagnostics.every(({ data }) => data !== undefined)) return diagnostics;
  const sent = new Map(
    (await session.diagnose(document, true)).map((diagnostic) => [identityOf(diagnostic), diagnostic.data]),
  );
  return diagnostics.map((diagnostic) => ({
    ...diagnostic,
    data: (diagnostic.data ?? sent.get(identityOf(diagnostic))) as unknown,
  }));
}

/** By what it says, not by how a client writes it: keys of JSON come back in any order. */
const identityOf = ({ code, range: { start, end }, message }: Diagnostic) => {
  const text = typeof message === 'string' ? message : message.value;
  return [code, start.line, start.character, end.line, end.character, text].join(':');
};

async function onLayers(
  session: Session,
  document: ConfigDocument,
  position: Position,
): Promise<CodeAction[]> {
  const { report, changed, config } = await session.contextOf(document);
  const ignored = config?.quantization?.ignored_scope?.names ?? [];
  return config === null ? [] : layerActions(document, position, { report, changed, ignored });
}

async function refactorings(session: Session, document: ConfigDocument): Promise<CodeAction[]> {
  const file = session.fileOf(document.text.uri);
  const { inherited } = await session.contextOf(document);
  const other = file === null ? null : convertedFile(file, document.tree.language);
  // Asked anew: a file that has come meanwhile is not overwritten.
  const isFree = other !== null && (await lookAt(other)) === 'missing';
  const converted = session.capabilities.createFiles && isFree ? convertActions(document, other) : [];
  return [...rewrites(document, inherited), ...converted];
}
