import {
  type ConfigPath,
  resolvedConfigText,
  type QuantizationConfig,
  type QuantizationReport,
} from '@quantsmith/schemas';
import { createHash } from 'node:crypto';
import { dirname, relative, resolve } from 'node:path';
import type { ConfigDocument } from '../document/document.js';
import { findNode, resolved, valueOf, type Tree } from '../document/tree.js';
import { isMapping, mergeConfigs, rebased } from './merge.js';

/** Reads a config file, as an editor has it if it is open there; null where there is none. */
export type ReadConfig = (file: string) => Promise<ConfigDocument | null>;

/** One of the configs that a config extends. */
export interface InheritedLayer {
  readonly file: string;
  readonly document: ConfigDocument;
  /** What it says itself; its paths are relative to the folder of the config that extends. */
  readonly value: Readonly<Record<string, unknown>>;
}

interface InheritProblem {
  readonly code: 'extends-missing' | 'extends-cycle' | 'extends-invalid';
  readonly message: string;
  /** The file that it is about. */
  readonly file: string;
}

/** What a config takes over from those that it extends. */
export interface Inherited {
  /** The closest first. */
  readonly layers: readonly InheritedLayer[];
  /** All that they say together. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly problem: InheritProblem | null;
}

/** Configs that one may extend, one after the other. */
const MAX_LAYERS = 32;

export const NOTHING_INHERITED: Inherited = { layers: [], value: {}, problem: null };

/** Follows `extends` from a config that lies at `file`. Files that were not found are listed too: they may appear. */
export async function inherit(
  document: ConfigDocument,
  file: string | null,
  read: ReadConfig,
): Promise<Inherited> {
  const layers: InheritedLayer[] = [];
  const folder = file === null ? null : dirname(file);
  let problem: InheritProblem | null = null;
  let current = document;
  let from = file;
  const shown = (path: string) => (folder === null ? path : relative(folder, path));
  for (let name = extendsOf(current.tree); name !== null; name = extendsOf(current.tree)) {
    if (from === null || folder === null) break;
    const target = resolve(dirname(from), name);
    const seen = [resolve(file!), ...layers.map((layer) => layer.file)];
    const prefix = from === file ? '' : `${shown(from)} extends it: `;
    if (seen.includes(target)) {
      const circle = [...seen.slice(seen.indexOf(target)), target].map(shown).join(' → ');
      problem = {
        code: 'extends-cycle',
        message: `Configs extend each other in a cycle: ${circle}.`,
        file: target,
      };
      break;
    }

    if (layers.length === MAX_LAYERS) {
      const message = `More than ${MAX_LAYERS} configs extend each other.`;
      problem = { code: 'extends-invalid', message, file: target };
      break;
    }

    const extended = await read(target);
    if (extended === null) {
      problem = {
        code: 'extends-missing',
        message: `${prefix}"${name}" does not exist.`,
        file: target,
      };
      break;
    }

    // As Git tells files that are no text.
    const isText = !extended.text.getText().includes('\0');
    const value = isText ? valueOf(extended.tree) : null;
    if (!isMapping(value) || extended.tree.problems.length > 0) {
      const syntax = extended.tree.problems[0]?.message ?? 'it is not a mapping of keys to values.';
      const reason = isText ? syntax : 'it is not a text file.';
      problem ??= {
        code: 'extends-invalid',
        message: `${shown(target)} cannot be read: ${reason}`,
        file: target,
      };
    }

    const content = isMapping(value) ? rebased(value, dirname(target), folder) : {};
    layers.push({ file: target, document: extended, value: content });
    current = extended;
    from = target;
  }

  return {
    layers,
    value: layers.reduceRight<Record<string, unknown>>((base, layer) => mergeConfigs(base, layer.value), {}),
    problem,
  };
}

/** The path that `extends` names; null where it names none. */
export function extendsOf(tree: Tree): string | null {
  const node = resolved(findNode(tree, ['extends']));
  return node?.kind === 'scalar' && typeof node.value === 'string' && node.value !== '' ? node.value : null;
}

/**
 * A config's own value over what it inherits; undefined when it is too large to be expanded. `keys`: those at the top that are asked
 * for, all where they are left out.
 */
export function effectiveValue(
  document: ConfigDocument,
  inherited: Inherited,
  keys?: readonly string[],
): unknown {
  const content = valueOf(document.tree, keys);
  if (inherited.layers.length === 0 || !isMapping(content)) return content;
  return mergeConfigs(inherited.value, content);
}

/** The inherited value at a path, and the file that it stands in; null where nothing is inherited. */
export function inheritedAt(
  inherited: Inherited,
  path: ConfigPath,
): { value: unknown; layer: InheritedLayer } | null {
  for (const layer of inherited.layers) {
    const value = path.reduce<unknown>(
      (current, step) => (isMapping(current) && Object.hasOwn(current, step) ? current[step] : undefined),
      layer.value,
    );

    if (value !== undefined) return { value, layer };
  }

  return null;
}

/** Whether a report is of what a config asks for, whatever the config looks like by now. */
export function isReportOf(
  { config: { sha256: text, resolved_sha256: resolved } }: QuantizationReport,
  document: ConfigDocument,
  inherited: Inherited,
  config: QuantizationConfig | null,
): boolean {
  if (text === configHash(document, inherited)) return true;
  return config !== null && resolved === sha256(resolvedConfigText(config));
}

/** Identifies a config with everything that it extends. */
export function configHash(document: ConfigDocument, { layers }: Inherited): string {
  return sha256(
    [document, ...layers.map((layer) => layer.document)].map(({ text }) => text.getText()).join('\0'),
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
