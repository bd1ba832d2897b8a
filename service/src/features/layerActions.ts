import { CodeActionKind, type CodeAction, type Position, type TextEdit } from 'vscode-languageserver-types';
import type { QuantizationReport } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { removeItem } from '../document/removeItem.js';
import { nodeAt, pathOf } from '../document/tree.js';
import { stringsAt, layerAt } from '../knowledge/ignoredScope.js';
import { layerCosts } from '../reports/costs.js';
import type { Change } from '../context/context.js';
import { excludeLayer } from './changeLayer.js';

/** Layers that are offered to be excluded where the cursor names none. */
const MAX = 3;

export interface LayerActionContext {
  readonly report: QuantizationReport | null;
  readonly changed: Change;
  /** Names that are ignored now, inherited ones too. */
  readonly ignored: readonly string[];
  /** The model's URI, for a client that can show a layer in it; left out: it cannot, or the model is not known. */
  readonly model?: string;
}

/** The client's command that shows a layer in a model: the model's URI and the layer's name. */
export const REVEAL_COMMAND = 'quantsmith.revealInModel';

/** Exclude the layer under the cursor, quantize it again, or show it in its model; on the ignored scope itself, the layers that cost most. */
export function layerActions(
  document: ConfigDocument,
  position: Position,
  context: LayerActionContext,
): CodeAction[] {
  const mention = layerAt(document, position);
  if (mention !== null) {
    const isListed = stringsAt(document, 'names').some((node) => node === mention.node);
    return [
      ...(isListed
        ? action(document, `Quantize ${mention.name} again`, removeItem(document, mention.node))
        : exclude(document, mention.name, '', context)),
      ...reveal(mention.name, context),
    ];
  }

  const node = nodeAt(document.tree, document.text.offsetAt(position));
  const { report, changed } = context;
  if (node?.kind !== 'entry' || report === null || changed === 'model') return [];
  if (!/^(quantization|quantization\.ignored_scope(\.names)?)$/.test(pathOf(node).join('.'))) return [];

  return [...layerCosts(report)]
    .filter(([name, { text }]) => text !== '' && !context.ignored.includes(name))
    .slice(0, MAX)
    .flatMap(([name, { text }]) => exclude(document, name, ` (${text})`, context));
}

function exclude(
  document: ConfigDocument,
  name: string,
  why: string,
  { ignored }: LayerActionContext,
): CodeAction[] {
  if (ignored.includes(name)) return [];
  const edits = excludeLayer(document, name, ignored);
  return action(document, `Exclude ${name} from quantization${why}`, edits);
}

function reveal(name: string, { model }: LayerActionContext): CodeAction[] {
  if (model === undefined) return [];
  const title = `Reveal ${name} in model`;
  const command = { title, command: REVEAL_COMMAND, arguments: [model, name] };
  return [{ title, kind: CodeActionKind.Refactor, command }];
}

function action(document: ConfigDocument, title: string, edits: readonly TextEdit[] | null): CodeAction[] {
  if (edits === null) return [];
  return [{ title, kind: CodeActionKind.Refactor, edit: { changes: { [document.text.uri]: [...edits] } } }];
}
