import type { LayerChange, ModelSummary, WeightCodes } from '@quantsmith/schemas';
import { modelDocument } from './modelDocument.js';
import { modelRows, type ModelContext, type ModelRow } from './modelRows.js';
import { MODEL_STYLE } from './modelStyle.js';
import { markup } from './markup.js';
import { page, type PageModule } from './page.js';
import { blocksHtml, toHtml } from './toHtml.js';

/** What the page's script is given to show. */
export interface ModelPageData {
  readonly rows: readonly ModelRow[];
  readonly hasRun: boolean;
  readonly hasFloat: boolean;
  /** Configs that layers can be changed in, the likeliest first. */
  readonly configs: readonly { readonly uri: string; readonly label: string }[];
}

/** Messages from the editor to the page. */
export type ToModelPage =
  | { readonly type: 'model'; readonly data: ModelPageData }
  | { readonly type: 'reveal'; readonly layer: string }
  | {
      readonly type: 'weights';
      readonly layer: string;
      readonly weights: WeightCodes | null;
      readonly problem: string;
    };

/** Messages from the page to the editor. */
export type FromModelPage =
  | { readonly type: 'ready' }
  | { readonly type: 'change'; readonly layer: string; readonly change: LayerChange; readonly config: string }
  | { readonly type: 'weights'; readonly layer: string };

/** The rows and columns that a page shows of a model. */
export function modelPageData(
  model: ModelSummary,
  context: ModelContext,
  configs: ModelPageData['configs'],
): ModelPageData {
  return {
    rows: modelRows(model, context),
    hasRun: context.report !== null,
    hasFloat: context.float !== null,
    configs,
  };
}

/** The page of a model in the editor: its document, and places where the page's script puts layers, details and graph. */
export function modelPageHtml(
  model: ModelSummary,
  context: ModelContext,
  { nonce, module }: { readonly nonce: string; readonly module: PageModule },
): string {
  const { title, subtitle, blocks } = modelDocument(model, context, { layers: false });
  const body = markup`<div class="overview">
${blocksHtml(blocks)}</div>
<section aria-labelledby="layers-title">
<h2 id="layers-title">Layers</h2>
<div id="filters" class="filters"></div>
<p id="shown" class="quiet" role="status"></p>
<div class="beside"><div id="layers" class="grid"></div>
<section id="details" class="details" aria-label="Details of the selected layer" tabindex="0"></section></div>
</section>
<section aria-labelledby="graph-title">
<h2 id="graph-title">Graph</h2>
<div id="graph"></div>
</section>
`;

  return page({ title, subtitle, body, host: { nonce, state: {} }, module, style: MODEL_STYLE });
}

/** A page that says why a model cannot be shown. */
export const modelProblemHtml = (name: string, problem: string): string =>
  toHtml({
    title: name,
    subtitle: 'This model cannot be shown',
    blocks: [{ kind: 'paragraph', text: problem }],
  });
