import {
  LAYER_CHANGES,
  type LayerChange,
  type ModelSummary,
  type WeightCodes,
  type WeightsRequest,
} from '@quantsmith/schemas';
import { startEngine } from '@quantsmith/engine';
import { changeLayer } from '@quantsmith/service';
import { pathToFileURL } from 'node:url';
import type { CancellationToken, TextEdit } from 'vscode-languageserver/node';
import { refused } from '../session/answers.js';
import type { Session } from '../session/session.js';

/** A model's structure with its tensors, and the configs of the workspace that quantize it. */
export interface ModelAnswer {
  readonly model: ModelSummary;
  /** Their URIs. */
  readonly configs: readonly string[];
}

export async function modelStructure(
  session: Session,
  file: string,
  token: CancellationToken,
): Promise<ModelAnswer> {
  const [structure, configs] = await Promise.all([
    session.sources.structure(file),
    session.workspaceConfigs(token),
  ]);
  if (structure === null) throw refused(`The model file ${file} does not exist, or is not a regular file.`);
  if (structure.model === null) throw refused(structure.problem);
  const naming = configs.filter((config) => config.model === file);

  return { model: structure.model, configs: naming.map((config) => pathToFileURL(config.file).href) };
}

/** The edits that change how one layer of an open config is quantized. Nothing is changed here. */
export async function layerChanged(
  session: Session,
  uri: string,
  [layer, change]: readonly unknown[],
): Promise<readonly TextEdit[]> {
  const document = session.documentOf(uri);
  if (document === null) throw refused(`${uri} is not open.`);
  if (typeof layer !== 'string' || !isLayerChange(change))
    throw refused(`A layer and one of ${LAYER_CHANGES.join(', ')} are needed.`);
  const { config } = await session.contextOf(document);
  const edits = changeLayer(document, layer, change, config);
  if (edits === null)
    throw refused(`${layer} cannot be changed in this config: fix its syntax errors first.`);

  return edits;
}

/** How the weight of a layer lies on its grid of codes: an engine process reads that one tensor. */
export async function weightsOf(
  file: string,
  [layer, grid]: readonly unknown[],
  token: CancellationToken,
): Promise<WeightCodes | null> {
  if (typeof layer !== 'string') throw refused('A layer is needed.');
  const abort = new AbortController();
  token.onCancellationRequested(() => abort.abort());
  let weights: WeightCodes | null = null;
  const outcome = await startEngine(
    { kind: 'weights', modelPath: file, layer, grid: isGrid(grid) ? grid : null },
    {
      signal: abort.signal,
      onEvent(event) {
        if (event.type === 'weights') weights = event.weights;
      },
    },
  );
  if (outcome.code === 'failed') throw refused(outcome.problem.message, outcome.problem);

  return weights;
}

function isGrid(value: unknown): value is NonNullable<WeightsRequest['grid']> {
  if (typeof value !== 'object' || value === null) return false;
  const { bits, perChannel, halfRange } = value as Readonly<Record<string, unknown>>;
  const isBits = typeof bits === 'number' && Number.isInteger(bits) && bits >= 2 && bits <= 16;
  return isBits && typeof perChannel === 'boolean' && typeof halfRange === 'boolean';
}

const isLayerChange = (value: unknown): value is LayerChange =>
  LAYER_CHANGES.some((change) => change === value);
