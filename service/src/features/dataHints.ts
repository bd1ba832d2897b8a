import { DATA_KIND_NAMES, DATA_SECTIONS } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, type Span } from '../document/tree.js';
import type { FileFacts } from '../facts/facts.js';

const NOUNS = {
  images: 'image',
  arrays: 'sample',
  tensors: 'sample',
  texts: 'text',
  audio: 'file',
  loader: 'sample',
} as const;

/** How much there is in the data that a config names: "20 images, 1,000 classes". */
export function dataHints(document: ConfigDocument, facts: FileFacts): { span: Span; text: string }[] {
  return DATA_SECTIONS.flatMap((section) => {
    const { total, verdict } = facts[section];
    const entries = DATA_KIND_NAMES.flatMap((kind) => {
      const value = findEntry(document.tree, ['data', section, kind])?.value;
      return value?.kind === 'scalar' ? [{ kind, span: value }] : [];
    });

    const labels =
      section === 'validation' ? findEntry(document.tree, ['data', section, 'labels'])?.value : null;
    const classes = verdict?.classes ?? null;
    const classesText = classes === null ? null : counted(classes, 'class', 'classes');
    const source = entries.slice(0, 1).flatMap(({ kind, span }) => {
      const samples = total === null ? [] : [counted(total, NOUNS[kind])];
      const texts =
        labels === null || labels === undefined
          ? [...samples, ...(classesText === null ? [] : [classesText])]
          : samples;
      return texts.length === 0 ? [] : [{ span, text: texts.join(', ') }];
    });

    return labels?.kind === 'scalar' && classesText !== null
      ? [...source, { span: labels, text: classesText }]
      : source;
  });
}

const counted = (count: number, singular: string, many = `${singular}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? singular : many}`;
