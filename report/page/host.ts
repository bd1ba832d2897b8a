/** What VS Code gives the script of a panel, once. */
interface PanelApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare const acquireVsCodeApi: (() => PanelApi) | undefined;

/** Whatever a page is shown in: it takes messages, and keeps what a reload must bring back. */
export interface Host {
  readonly post: (message: unknown) => void;
  readonly kept: Readonly<Record<string, unknown>>;
  readonly keep: (parts: Readonly<Record<string, unknown>>) => void;
}

/** The panel that a page is in; null: a browser. */
export function connectHost(): Host | null {
  if (typeof acquireVsCodeApi === 'undefined') return null;
  const panel = acquireVsCodeApi();
  const state = panel.getState();
  let kept: Record<string, unknown> = typeof state === 'object' && state !== null ? { ...state } : {};

  return {
    post: (message) => panel.postMessage(message),
    get kept() {
      return kept;
    },
    keep(parts) {
      kept = { ...kept, ...parts };
      panel.setState(kept);
    },
  };
}
