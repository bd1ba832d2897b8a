import type { LayerChange } from '@quantsmith/schemas';

export type { LayerChange };

/** What a page asks of its host. Places are numbers of the report's own lists: a page can name nothing that is not there. */
export type PageMessage =
  /** Shows the layer where the config names it, or where it could. */
  | { readonly type: 'config'; readonly layer: number }
  /** Shows the layer in the model. */
  | { readonly type: 'model'; readonly layer: number }
  /** Writes a change of the layer into the config. */
  | { readonly type: LayerChange; readonly layer: number }
  /** Writes a validated state of restoration into the config: a number of `steps`; -1: nothing in float. */
  | { readonly type: 'state'; readonly step: number }
  /** Writes a setting that restoration tried into the config. */
  | { readonly type: 'remedy'; readonly remedy: number }
  /** Shows the line that a warning is about. */
  | { readonly type: 'warning'; readonly warning: number }
  | { readonly type: 'export'; readonly format: ExportFormat }
  /** A chart as a PNG, in base64. */
  | { readonly type: 'picture'; readonly name: string; readonly png: string };

export type ExportFormat = 'html' | 'markdown' | 'sarif';
