import type { QuantizationConfig } from '@quantsmith/schemas';
import { resolve } from 'node:path';
import { CodeActionKind, type CodeAction, type Diagnostic } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { setValue, type Written } from '../document/edit.js';
import type { FolderEntry } from '../facts/facts.js';
import type { FindingData } from '../findings/finding.js';
import { sourcesNear, type SourceNear } from './skeletons.js';

/** Sources that are offered for one finding. */
const MAX = 3;

/** What files beside a config are offered with. */
export interface DataActionContext {
  readonly baseDir: string;
  readonly listings: ReadonlyMap<string, readonly FolderEntry[]>;
  readonly config: QuantizationConfig | null;
}

/** Findings that files beside the config may be the answer to. */
export const wantsData = ({ code }: Diagnostic): boolean =>
  code === 'validation-missing' || code === 'data-empty' || code === 'file-missing';

/** Data that lies beside the config, where a section has none: "Use ./calib (60 images)", "Add validation on ./val (60 images)". */
export function dataActions(
  document: ConfigDocument,
  diagnostics: readonly Diagnostic[],
  context: DataActionContext,
): CodeAction[] {
  return diagnostics
    .filter(wantsData)
    .flatMap((diagnostic) =>
      diagnostic.code === 'validation-missing'
        ? addValidation(document, diagnostic, context)
        : useOther(document, diagnostic, context),
    );
}

function addValidation(
  document: ConfigDocument,
  diagnostic: Diagnostic,
  { baseDir, listings, config }: DataActionContext,
): CodeAction[] {
  const calibration = config?.data.calibration;
  // What prepares the one prepares the other.
  const preprocess = calibration?.preprocess as Written | undefined;
  return sourcesNear('validation', baseDir, listings)
    .filter(
      ({ kind, path }) => calibration?.[kind] !== undefined && !isSame(baseDir, calibration[kind], path),
    )
    .slice(0, MAX)
    .flatMap((source) => {
      const { kind, path, labels } = source;
      const value = {
        [kind]: path,
        ...(labels === null ? {} : { labels }),
        ...(preprocess === undefined ? {} : { preprocess }),
      };
      const title = `Add validation on ${described(source)}`;
      return action(document, diagnostic, title, setValue(document, ['data', 'validation'], value));
    });
}

/** Another folder or file of the kind that is named. */
function useOther(
  document: ConfigDocument,
  diagnostic: Diagnostic,
  { baseDir, listings }: DataActionContext,
): CodeAction[] {
  const [top, section, key] = (diagnostic.data as FindingData & { path?: readonly unknown[] }).path ?? [];
  if (top !== 'data' || (section !== 'calibration' && section !== 'validation')) return [];

  return sourcesNear(section, baseDir, listings)
    .filter(({ kind }) => kind === key)
    .slice(0, MAX)
    .flatMap((source) =>
      action(
        document,
        diagnostic,
        `Use ${described(source)}`,
        setValue(document, ['data', section, source.kind], source.path),
      ),
    );
}

const isSame = (baseDir: string, written: string, path: string) =>
  resolve(baseDir, written) === resolve(baseDir, path);

const described = ({ path, count }: SourceNear) =>
  count === null ? path : `${path} (${count.toLocaleString('en')} ${count === 1 ? 'image' : 'images'})`;

function action(
  document: ConfigDocument,
  diagnostic: Diagnostic,
  title: string,
  edits: ReturnType<typeof setValue>,
): CodeAction[] {
  if (edits === null) return [];
  const edit = { changes: { [document.text.uri]: edits } };
  return [{ title, kind: CodeActionKind.QuickFix, diagnostics: [diagnostic], edit }];
}
