import type { LayerChange, QuantizationConfig } from '@quantsmith/schemas';
import type { TextEdit } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { appendItems, setValue, type Written } from '../document/edit.js';
import { findEntry, resolved } from '../document/tree.js';
import { stringsAt } from '../knowledge/ignoredScope.js';

const NAMES = ['quantization', 'ignored_scope', 'names'] as const;
const OVERRIDES = ['quantization', 'overrides'] as const;

/** What an entry of `overrides` sets for each change that is made there. */
const SETTINGS = {
  half_range: { half_range: true },
  bits16: { num_bits: 16 },
} as const satisfies Record<Exclude<LayerChange, 'exclude'>, Written>;

/**
 * The edits that change how one layer is quantized; none where the config says so already, null where the text has no place
 * for them. `config`: what holds now, inherited settings included.
 */
export function changeLayer(
  document: ConfigDocument,
  layer: string,
  change: LayerChange,
  config: QuantizationConfig | null,
): TextEdit[] | null {
  const { ignored_scope: scope, overrides } = config?.quantization ?? {};
  return change === 'exclude'
    ? excludeLayer(document, layer, scope?.names ?? [])
    : override(document, layer, SETTINGS[change], overrides ?? []);
}

/** Adds a layer to the ignored scope; `ignored`: the names that are there now, inherited ones too. */
export function excludeLayer(
  document: ConfigDocument,
  layer: string,
  ignored: readonly string[],
): TextEdit[] | null {
  if (ignored.includes(layer)) return [];
  // A list of its own replaces an inherited one.
  const inherited = stringsAt(document, 'names').length === 0 ? ignored : [];
  return appendItems(document, NAMES, [...inherited, layer]);
}

type Override = NonNullable<NonNullable<QuantizationConfig['quantization']>['overrides']>[number];

/** Joins the last entry where that sets the same and nothing else; otherwise a new one, since later entries win. */
function override(
  document: ConfigDocument,
  layer: string,
  setting: (typeof SETTINGS)[keyof typeof SETTINGS],
  overrides: readonly Override[],
): TextEdit[] | null {
  const list = resolved(findEntry(document.tree, OVERRIDES)?.value ?? null);
  const last = overrides.at(-1);
  const entry: Written = { names: [layer], ...setting };
  if (list?.kind !== 'sequence') {
    const inherited = overrides.map((item): Written => ({ ...item }));
    return setValue(document, OVERRIDES, [...inherited, entry]);
  }

  const isAlike = last?.names !== undefined && isEqual({ ...setting, names: last.names }, last);
  if (!isAlike) return appendItems(document, OVERRIDES, [entry]);
  if (last.names?.includes(layer) === true) return [];

  return appendItems(document, [...OVERRIDES, list.items.length - 1, 'names'] as const, [layer]);
}

const isEqual = (expected: Override, actual: Override) =>
  Object.keys(actual).length === Object.keys(expected).length &&
  Object.entries(expected).every(([key, value]) => actual[key as keyof Override] === value);
