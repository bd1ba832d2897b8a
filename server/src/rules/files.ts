import { existsSync, readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ConfigDocument } from '../document/document.js';
import { findNode, type Path } from '../document/tree.js';
import type { Code, Finding } from '../diagnostics.js';
import { nearest } from './nearest.js';

const FILE_KEYS: readonly { path: Path; code: Code; what: string }[] = [
  { path: ['model'], code: 'model-missing', what: 'The model' },
  ...(['calibration', 'validation'] as const).flatMap((section) =>
    ['images', 'arrays', 'tensors', 'loader', 'labels'].map((key) => ({
      path: ['data', section, key],
      code: 'file-missing' as const,
      what: key === 'images' || key === 'tensors' ? 'The folder' : 'The file',
    })),
  ),
];

/** `model-missing`, `file-missing`: a path of the config leads nowhere. `baseDir`: the config's folder. */
export function fileFindings(document: ConfigDocument, baseDir: string): Finding[] {
  return FILE_KEYS.flatMap(({ path, code, what }): Finding[] => {
    const node = findNode(document.tree, path);
    if (node?.kind !== 'scalar' || typeof node.value !== 'string' || node.value === '') return [];
    const file = resolve(baseDir, node.value);
    if (existsSync(file)) return [];
    return [
      {
        code,
        severity: 'error',
        message: `${what} "${node.value}" does not exist (${file}).`,
        start: node.start,
        end: node.end,
        path,
        data: { file, suggestions: similar(baseDir, node.value) },
      },
    ];
  });
}

/** Paths in the same folder that a misspelled one may mean. */
function similar(baseDir: string, written: string): string[] {
  const slash = written.lastIndexOf('/') + 1;
  try {
    const names = readdirSync(dirname(resolve(baseDir, `${written.slice(0, slash)}x`)));
    return nearest(written.slice(slash), names).map((name) => written.slice(0, slash) + name);
  } catch {
    return [];
  }
}
