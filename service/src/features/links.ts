import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DocumentLink } from 'vscode-languageserver-types';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import { pathOf, resolved, walk } from '../document/tree.js';
import { kindOf, type FileFacts } from '../facts/facts.js';

const PATHS =
  /^(model|extends|output|\$schema|data\.(calibration|validation)\.(images|arrays|tensors|texts|audio|tokenizer|loader|labels)|accuracy_control\.metric)$/;

/** Links from the paths of a config to the files that they lead to, where those exist. */
export function documentLinks(
  document: ConfigDocument,
  baseDir: string | null,
  facts: FileFacts,
): DocumentLink[] {
  if (baseDir === null) return [];
  const links: DocumentLink[] = [];
  walk(document.tree.root, (node) => {
    const target = resolved(node);
    if (target?.kind !== 'scalar' || typeof target.value !== 'string' || target.value === '') return;
    if (!PATHS.test(pathOf(node).join('.'))) return;
    const file = resolve(baseDir, target.value);
    const kind = kindOf(facts, file);
    if (kind === 'file' || kind === 'folder')
      links.push({ range: rangeOf(document, node), target: pathToFileURL(file).href });
  });

  return links;
}
