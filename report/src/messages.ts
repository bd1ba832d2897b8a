import type { LayerChange } from '@quantsmith/schemas';

/** What a page asks of its host. Places are numbers of the report's own lists: a page can name nothing that is not there. */
export type PageMessage =
  /** Shows the layer where the config names it, or where it could. */
  | { readonly type: 'config'; readonly layer: number }
  /** Shows the layer in the model. */
  | { readonly type: 'model'; readonly layer: number }
  /** Writes a change of the layer into the config: float, half of the 8-bit range, or 16 bits. */
  | { readonly type: 'change'; readonly layer: number; readonly change: LayerChange }
  /** Writes a validated state of restoration, one of its steps, into the config. */
  | { readonly type: 'state'; readonly step: number }
  /** Writes a setting that restoration tried into the config. */
  | { readonly type: 'remedy'; readonly remedy: number }
  /** Shows the line that a warning is about. */
  | { readonly type: 'warning'; readonly warning: number }
  | { readonly type: 'export'; readonly format: ExportFormat }
  /** A chart as a PNG, in base64. */
  | { readonly type: 'picture'; readonly name: string; readonly png: string };

export type ExportFormat = 'html' | 'markdown' | 'sarif';

/** A message about a layer, before it is known which. */
export type LayerMessage = WithoutLayer<Extract<PageMessage, { readonly layer: number }>>;
type WithoutLayer<M> = M extends unknown ? Omit<M, 'layer'> : never;

/** What the host asks of a page: to show its start, where something else stands now. */
export const SHOW_START = 'show-start';

/** Whether something that a page sent is a message: pages show what came from anywhere. */
export function isPageMessage(value: unknown): value is PageMessage {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
