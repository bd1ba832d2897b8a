import type { LayerChange } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import type { Server } from '../server/server.js';
import { applyServerEdits } from './setValue.js';

/** Changes how a layer is quantized in a config, as an edit that can be undone; `config` is a URI. */
export async function changeLayer(
  server: Server,
  config: unknown,
  layer: unknown,
  change: unknown,
): Promise<void> {
  if (typeof config !== 'string' || typeof layer !== 'string' || typeof change !== 'string') return;
  const file = vscode.Uri.parse(config);
  const edits = await applyServerEdits(server, file, 'quantsmith.server.changeLayer', [layer, change]);
  if (edits === 0) void vscode.window.showInformationMessage(doneText(change as LayerChange, layer));
}

function doneText(change: LayerChange, layer: string): string {
  switch (change) {
    case 'exclude':
      return vscode.l10n.t('The config says so already: it excludes {0}.', layer);
    case 'half_range':
      return vscode.l10n.t('The config says so already: it sets half range for {0}.', layer);
    case 'bits16':
      return vscode.l10n.t('The config says so already: it sets 16 bits for {0}.', layer);
  }
}
