import { readdirSync, statSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ConfigDocument } from '../document/document.js';
import { findNode, type Path } from '../document/tree.js';
import { isMapping } from '../extends/merge.js';
import type { Code, Finding } from '../findings/finding.js';
import { placeOf } from './place.js';
import { nearest } from './nearest.js';

const FILE_KEYS: readonly { path: Path; code: Code; what: string }[] = [
  { path: ['model'], code: 'model-missing', what: 'The model' },
  { path: ['accuracy_control', 'metric'], code: 'file-missing', what: 'The module' },
  ...(['calibration', 'validation'] as const).flatMap((section) =>
    ['images', 'arrays', 'tensors', 'loader', 'labels'].map((key) => ({
      path: ['data', section, key],
      code: 'file-missing' as const,
      what: key === 'images' || key === 'tensors' ? 'The folder' : 'The file',
    })),
  ),
];

/** Keys that may name a folder. */
const FOLDERS: ReadonlySet<string> = new Set(['images', 'tensors']);

/**
 * `model-missing`, `file-missing`: a path of the config leads nowhere. `baseDir`: the config's folder; `value`: the config
 * with what it inherits.
 */
export function fileFindings(document: ConfigDocument, baseDir: string, value: unknown): Finding[] {
  return FILE_KEYS.flatMap(({ path, code, what }): Finding[] => {
    const written = path.reduce<unknown>(
      (current, step) => (isMapping(current) ? current[step] : undefined),
      value,
    );
    if (typeof written !== 'string' || written === '') return [];
    // A metric is a name or a module.
    if (path.at(-1) === 'metric' && !/\.[cm]?[jt]s$/.test(written)) return [];
    const file = resolve(baseDir, written);
    const found = entryAt(file);
    const folder = found?.isDirectory() === true && !FOLDERS.has(String(path.at(-1)));
    if (found !== null && !folder) return [];
    const own = findNode(document.tree, path);
    const { start, end } = own ?? placeOf(document, path);
    return [
      {
        code,
        severity: 'error',
        message: folder
          ? `"${written}" is a folder, not a file (${file}).`
          : `${what} "${written}" does not exist (${file}).`,
        start,
        end,
        path,
        data: { file, suggestions: own === null || folder ? [] : similarFiles(baseDir, written) },
      },
    ];
  });
}

/** null: nothing is there, or nothing can be, as where a name is too long or has a null character. */
function entryAt(file: string): Stats | null {
  try {
    return statSync(file);
  } catch {
    return null;
  }
}

/** Paths in the same folder that a misspelled one may mean. */
export function similarFiles(baseDir: string, written: string): string[] {
  const slash = written.lastIndexOf('/') + 1;
  try {
    const names = readdirSync(dirname(resolve(baseDir, `${written.slice(0, slash)}x`)));
    return nearest(written.slice(slash), names).map((name) => written.slice(0, slash) + name);
  } catch {
    return [];
  }
}
