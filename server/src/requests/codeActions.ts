import { pathToFileURL } from 'node:url';
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
  dataActions,
  findAll,
  FIX_ALL,
  fixAll,
  keepsReadable,
  layerActions,
  REVEAL_COMMAND,
  rewrites,
  wants,
  wantsData,
} from '@quantsmith/service';
import { adaptActions } from '../client/adaptToClient.js';
import { versionsOf, type Session } from '../session/session.js';
import { listingsFor } from '../sources/listings.js';
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
  const diagnostics = await stillTrue(session, document, context);
  const fixes = [
    ...codeActions(document, { ...context, diagnostics }),
    ...(wants(context.only, CodeActionKind.QuickFix) ? await onData(session, document, diagnostics) : []),
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

/**
 * The findings that a client names, as far as they still stand where it says: an edit may have come between, and a fix would
 * write at the old place. With what fixes need, which some clients do not give back.
 */
async function stillTrue(
  session: Session,
  document: ConfigDocument,
  { diagnostics }: CodeActionContext,
): Promise<Diagnostic[]> {
  if (diagnostics.length === 0) return [];
  const current = new Map(
    (await session.diagnose(document, true)).map((diagnostic) => [identityOf(diagnostic), diagnostic]),
  );

  return diagnostics.flatMap((diagnostic) => {
    const known = current.get(identityOf(diagnostic));
    return known === undefined ? [] : [{ ...diagnostic, data: known.data as unknown }];
  });
}

/** By what it says, not by how a client writes it: keys of JSON come back in any order. */
const identityOf = ({ code, range: { start, end }, message }: Diagnostic) => {
  const text = typeof message === 'string' ? message : message.value;
  return [code, start.line, start.character, end.line, end.character, text].join(':');
};

/** Data beside the config, for sections that have none. */
async function onData(
  session: Session,
  document: ConfigDocument,
  diagnostics: readonly Diagnostic[],
): Promise<CodeAction[]> {
  if (!diagnostics.some(wantsData)) return [];
  const { baseDir, config } = await session.contextOf(document);
  if (baseDir === null) return [];
  const listings = await listingsFor(session.sources, { folder: baseDir, near: true });

  return dataActions(document, diagnostics, { baseDir, listings, config });
}

async function onLayers(
  session: Session,
  document: ConfigDocument,
  position: Position,
): Promise<CodeAction[]> {
  const { report, changed, config, model } = await session.contextOf(document);
  const ignored = config?.quantization?.ignored_scope?.names ?? [];
  const isShown = model !== null && session.clientCommands.has(REVEAL_COMMAND);
  const shown = isShown ? { model: pathToFileURL(model.path).href } : {};
  return config === null ? [] : layerActions(document, position, { report, changed, ignored, ...shown });
}

async function refactorings(session: Session, document: ConfigDocument): Promise<CodeAction[]> {
  const file = session.fileOf(document.text.uri);
  const { inherited } = await session.surroundingsOf(document);
  const other = file === null ? null : convertedFile(file, document.tree.language);
  // Asked anew: a file that has come meanwhile is not overwritten.
  const isFree = other !== null && (await lookAt(other)) === 'missing';
  const converted = session.capabilities.createFiles && isFree ? convertActions(document, other) : [];
  return [...rewrites(document, inherited), ...converted];
}
