import { movedPaths, type Move } from '@quantsmith/service';
import type { CancellationToken, FileRename, TextEdit, WorkspaceEdit } from 'vscode-languageserver';
import type { Session } from '../session/session.js';

/** The edits that let the configs of the workspace name files and folders that are about to get other names. */
export async function editForMoves(
  session: Session,
  files: readonly FileRename[],
  token: CancellationToken,
): Promise<WorkspaceEdit | null> {
  const moves = files.flatMap(({ oldUri, newUri }): Move[] => {
    const [from, to] = [session.fileOf(oldUri), session.fileOf(newUri)];
    return from === null || to === null ? [] : [{ from, to }];
  });

  const changes: Record<string, TextEdit[]> = {};
  for (const { file, document } of await session.workspaceConfigs(token)) {
    const edits = movedPaths(document, file, moves);
    if (edits.length > 0) changes[document.text.uri] = edits;
  }

  return Object.keys(changes).length === 0 ? null : { changes };
}
