import { pathToFileURL } from 'node:url';
import {
  DocumentDiagnosticReportKind,
  type CancellationToken,
  type Diagnostic,
  type PreviousResultId,
  type WorkspaceDocumentDiagnosticReport,
} from 'vscode-languageserver';
import type { ConfigDocument } from '@quantsmith/service';
import type { Session } from '../session/session.js';

/** Configs that are checked although nobody has them open. */
const MAX_CONFIGS = 100;
/** Milliseconds for which the findings of a config that is not open hold, unless files are known to have changed. */
const FOUND_MS = 30_000;

interface Found {
  readonly document: ConfigDocument;
  readonly until: number;
  readonly items: readonly Diagnostic[];
  readonly id: string;
}

/** Answers for all configs of the workspace; clients ask again and again, so what is the same is not sent again. */
export type WorkspaceDiagnostics = (
  previous: readonly PreviousResultId[],
  token: CancellationToken,
) => Promise<WorkspaceDocumentDiagnosticReport[]>;

export function createWorkspaceDiagnostics(session: Session): WorkspaceDiagnostics {
  const known = new Map<string, Found>();
  let lastId = 0;

  return async (previous, token) => {
    const ids = new Map(previous.map(({ uri, value }) => [uri, value]));
    const reports: WorkspaceDocumentDiagnosticReport[] = [];
    for (const { file, document } of (await session.workspaceConfigs(token)).slice(0, MAX_CONFIGS)) {
      if (token.isCancellationRequested) break;
      const { uri, version } = document.text;
      const isOpen = session.documentOf(uri) === document;
      let entry = known.get(file);
      if (entry?.document !== document || isOpen || performance.now() > entry.until) {
        const items = await session.diagnose(document);
        // The same findings keep their name.
        const isSame = entry !== undefined && JSON.stringify(entry.items) === JSON.stringify(items);
        const id: string = isSame ? entry!.id : String(++lastId);
        entry = { document, until: performance.now() + FOUND_MS, items, id };
        known.set(file, entry);
      }

      const { id, items } = entry;
      const place = { uri: isOpen ? uri : pathToFileURL(file).href, version: isOpen ? version : null };
      reports.push(
        ids.get(place.uri) === id
          ? { ...place, kind: DocumentDiagnosticReportKind.Unchanged, resultId: id }
          : { ...place, kind: DocumentDiagnosticReportKind.Full, resultId: id, items: [...items] },
      );
    }

    return reports;
  };
}
