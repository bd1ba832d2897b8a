import type { LayerChange } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { applyServerEdits } from './setValue.js';

/** Changes how a layer is quantized in a config, as an edit that can be undone; `config` is a URI. */
export async function changeLayer(
  client: LanguageClient,
  config: unknown,
  layer: unknown,
  change: unknown,
): Promise<void> {
  if (typeof config !== 'string' || typeof layer !== 'string' || typeof change !== 'string') return;
  const file = vscode.Uri.parse(config);
  const edits = await applyServerEdits(client, file, 'quantsmith.server.changeLayer', [layer, change]);
  if (edits === 0)
    void vscode.window.showInformationMessage(
      `The config says so already: ${DONE[change as LayerChange]} ${layer}.`,
    );
}

const DONE: Readonly<Record<LayerChange, string>> = {
  exclude: 'it excludes',
  half_range: 'it sets half range for',
  bits16: 'it sets 16 bits for',
};
