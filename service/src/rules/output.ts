import { outputObstacle } from '@quantsmith/engine';
import { resolve } from 'node:path';
import type { ConfigDocument } from '../document/document.js';
import { findNode } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { isMapping } from '../extends/merge.js';
import { placeOf } from './place.js';

/** `output-unusable`: the model would replace the float model, or cannot be written where it should go. */
export function outputFindings(document: ConfigDocument, baseDir: string, value: unknown): Finding[] {
  if (!isMapping(value)) return [];
  const { model, output } = value;
  if (typeof output !== 'string' || output === '') return [];
  const file = resolve(baseDir, output);
  const obstacle = outputObstacle(file, typeof model === 'string' ? [resolve(baseDir, model)] : []);
  if (obstacle === null) return [];
  const path = ['output'];
  const { start, end } = findNode(document.tree, path) ?? placeOf(document, path);
  return [
    {
      code: 'output-unusable',
      severity: 'error',
      message: `The output ${file} ${obstacle}.`,
      start,
      end,
      path,
    },
  ];
}
