import { DATA_SECTIONS } from '@quantsmith/schemas';
import { findNode } from '../document/tree.js';
import { isMapping } from '../extends/merge.js';
import type { SectionFacts } from '../facts/facts.js';
import type { Finding } from '../findings/finding.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

const KEYS = ['images', 'arrays', 'tensors', 'texts', 'audio'] as const;

/** `data-unreadable`: the first sample of a section cannot be read, by its first bytes. */
function unreadableFindings({ document, value, facts }: RuleInput): Finding[] {
  const data = isMapping(value) ? value['data'] : null;
  return DATA_SECTIONS.flatMap((name): Finding[] => {
    const section = isMapping(data) ? data[name] : null;
    if (!isMapping(section)) return [];
    const key = KEYS.find((name) => typeof section[name] === 'string');
    const message = key === undefined ? null : problemOf(String(section[key]), facts[name]);
    if (key === undefined || message === null) return [];
    const path = ['data', name, key] as const;
    const { start, end } = findNode(document.tree, path) ?? placeOf(document, path);

    return [{ code: 'data-unreadable', severity: 'error', message, start, end, path }];
  });
}

function problemOf(
  written: string,
  { array, arrayProblem, members, unreadable }: SectionFacts,
): string | null {
  if (unreadable !== null) return unreadable;
  if (arrayProblem !== null) return `"${written}" cannot be read: ${arrayProblem}.`;
  const headers = array === null ? [...(members?.values() ?? [])] : [array];
  const isEndless = headers.some((header) => header?.isFinite === false);

  return isEndless ? `The first sample of "${written}" holds a value that is not finite.` : null;
}

export const rule = defineRule({
  codes: ['data-unreadable'],
  needs: 'data',
  check: unreadableFindings,
  suppressible: true,
  sections: {
    'data-unreadable':
      "Severity: error.\n\nThe first sample of a section cannot be read: the file is not an image or is truncated, the array's header or the tensor file is broken, a line of texts is not what its extension says, or a value is not finite. Only the beginning of each file is checked; the rest is left to the run.",
  },
  examples: [
    {
      code: 'data-unreadable',
      before: 'model: model.onnx\ndata: {calibration: {arrays: ./page.npy}}\n',
      after: null,
    },
  ],
});
