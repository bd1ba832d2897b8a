import type { CompletionParams } from 'vscode-languageserver/node';
import {
  completionAt,
  type ConfigDocument,
  cursorAt,
  isWantedBehind,
  listingWanted,
} from '@quantsmith/service';
import { adaptCompletion } from '../client/adaptToClient.js';
import type { Session } from '../session/session.js';
import { listingsFor } from '../sources/listings.js';

/** What can be written where the cursor stands, with the folders listed that a path there leads to. */
export async function completionFor(
  session: Session,
  document: ConfigDocument,
  { position, context: trigger }: CompletionParams,
) {
  const { completion } = session.capabilities;
  const place = cursorAt(document, position);
  const isWanted = place === null || isWantedBehind(document, place, trigger?.triggerCharacter);
  const cursor = isWanted ? place : null;
  const context = await session.surroundingsOf(document);
  const listings = await listingsFor(session.sources, listingWanted(cursor, context.baseDir));
  const { docs } = session;

  return adaptCompletion(
    completionAt(document, cursor, { ...context, ...completion, docs, listings }),
    completion,
  );
}
