import { unsupportedSettings } from '@quantsmith/engine/unsupported';
import { resolveConfig, type QuantizationConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry } from '../document/tree.js';
import type { Finding } from '../diagnostics.js';

/** `not-supported-yet`: a setting that this version of the engine does not act on. The engine itself says which. */
export function unsupportedFindings(document: ConfigDocument, config: QuantizationConfig): Finding[] {
  return unsupportedSettings(resolveConfig(config)).flatMap(
    ({ severity, message, configPath = [] }): Finding[] => {
      const entry = findEntry(document.tree, configPath);
      if (entry === undefined) return [];
      return [{ code: 'not-supported-yet', severity, message, ...entry.keySpan, path: configPath }];
    },
  );
}
