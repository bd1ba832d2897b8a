import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DocumentLink } from 'vscode-languageserver';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import { pathOf, walk } from '../document/tree.js';

const PATHS =
  /^(model|extends|output|\$schema|data\.(calibration|validation)\.(images|arrays|tensors|loader|labels)|accuracy_control\.metric)$/;

/** Links from the paths of a config to the files that they lead to, where those exist. */
export function documentLinks(document: ConfigDocument, baseDir: string | null): DocumentLink[] {
  if (baseDir === null) return [];
  const links: DocumentLink[] = [];
  walk(document.tree.root, (node) => {
    if (node.kind !== 'scalar' || typeof node.value !== 'string' || node.value === '') return;
    if (!PATHS.test(pathOf(node).join('.'))) return;
    const file = resolve(baseDir, node.value);
    if (existsSync(file)) links.push({ range: rangeOf(document, node), target: pathToFileURL(file).href });
  });
  return links;
}
