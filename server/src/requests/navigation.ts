import { reportPathOf, type ConfigPath } from '@quantsmith/schemas';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  ErrorCodes,
  ResponseError,
  type CancellationToken,
  type DocumentHighlight,
  type Location,
  type Position,
  type Range,
  type WorkspaceEdit,
} from 'vscode-languageserver';
import {
  anchors,
  type ConfigDocument,
  extendsOf,
  findEntry,
  inheritedAt,
  isNamedPath,
  layerAt,
  layers,
  nodeAt,
  pathOf,
  rangeOf,
} from '@quantsmith/service';
import { reportText } from '../sources/reports.js';
import type { Session } from '../session/session.js';

const START: Range = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };

/**
 * An alias leads to its anchor, `extends` to the other config, a path to its file, a key to the one that it replaces there, a
 * layer to what the last run told of it.
 */
export async function definitionAt(
  session: Session,
  document: ConfigDocument,
  position: Position,
): Promise<Location | null> {
  const anchor = anchors.definition(document, position);
  if (anchor !== null) return anchor;
  const mention = layerAt(document, position);
  if (mention !== null) return layerPlace(session, document, mention.name);
  const node = nodeAt(document.tree, document.text.offsetAt(position));
  if (node === null) return null;
  const path = pathOf(node);
  const file = session.fileOf(document.text.uri);
  const base = extendsOf(document.tree);
  if (path.length === 1 && path[0] === 'extends' && file !== null && base !== null)
    return { uri: pathToFileURL(resolve(dirname(file), base)).href, range: START };
  if (node.kind === 'scalar' && file !== null)
    return pathPlace(session, path, resolve(dirname(file), String(node.value)));
  if (node.kind !== 'entry') return null;
  const layer = inheritedAt((await session.surroundingsOf(document)).inherited, path)?.layer;
  const entry = layer === undefined ? undefined : findEntry(layer.document.tree, path);
  if (layer === undefined || entry === undefined) return null;

  return { uri: layer.document.text.uri, range: rangeOf(layer.document, entry.keySpan) };
}

async function layerPlace(
  session: Session,
  document: ConfigDocument,
  name: string,
): Promise<Location | null> {
  const { report } = await session.surroundingsOf(document);
  if (report === null) return null;
  const file = reportPathOf(report.output.path);
  const range = layers.reportPlace((await reportText(file)) ?? '', name);

  return range === null ? null : { uri: pathToFileURL(file).href, range };
}

/** Files that an editor shows as text or as an image; models and arrays are neither. */
const SHOWN = /\.(csv|tsv|jsonl?|jsonc|txt|names|ya?ml|[cm]?[jt]s|jpe?g|png|webp)$/i;

/** What a path of a config leads to: a file that can be shown, or the first image of a folder. */
async function pathPlace(session: Session, path: ConfigPath, file: string): Promise<Location | null> {
  const key = String(path.at(-1));
  const place = (file: string) => ({ uri: pathToFileURL(file).href, range: START });
  const kind = await session.sources.kind(file);
  if (kind === 'file' && isNamedPath(path) && SHOWN.test(file)) return place(file);
  if (kind !== 'folder' || key !== 'images') return null;
  const [first] = (await session.sources.images(file))?.names ?? [];

  return first === undefined ? null : place(resolve(file, first));
}

export async function referencesAt(
  session: Session,
  document: ConfigDocument,
  position: Position,
  withDeclaration: boolean,
  token: CancellationToken,
): Promise<Location[]> {
  const mention = layerAt(document, position);
  if (mention === null) return anchors.references(document, position, withDeclaration);
  return layers.layerReferences(await sameModel(session, document, token), mention.name);
}

export function highlightsAt(document: ConfigDocument, position: Position): DocumentHighlight[] {
  const mention = layerAt(document, position);
  if (mention === null) return anchors.highlights(document, position);
  return layers.layerHighlights(document, mention.name);
}

export function prepareRenameAt(
  document: ConfigDocument,
  position: Position,
): { range: Range; placeholder: string } | null {
  const mention = layerAt(document, position);
  if (mention === null) return anchors.prepareRename(document, position);
  return layers.prepareLayerRename(document, mention);
}

export async function renameAt(
  session: Session,
  document: ConfigDocument,
  position: Position,
  newName: string,
  token: CancellationToken,
): Promise<WorkspaceEdit | null> {
  const mention = layerAt(document, position);
  const edit =
    mention === null
      ? anchors.rename(document, position, newName)
      : layers.renameLayer(await sameModel(session, document, token), mention.name, newName);

  if (edit === null && prepareRenameAt(document, position) !== null)
    throw new ResponseError(ErrorCodes.InvalidParams, `"${newName}" is not a valid name.`);

  return edit;
}

/** The configs of the workspace that are about the same model, this one first. */
async function sameModel(
  session: Session,
  document: ConfigDocument,
  token: CancellationToken,
): Promise<ConfigDocument[]> {
  const all = await session.workspaceConfigs(token);
  const current = all.find((config) => config.document === document);
  const others = all.filter(
    (config) => config !== current && config.model !== null && config.model === current?.model,
  );

  return [document, ...others.map((config) => config.document)];
}
