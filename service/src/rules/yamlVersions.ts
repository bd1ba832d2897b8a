import type { ConfigDocument } from '../document/document.js';
import { pathOf, walk } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { defineRule } from './rule.js';

/** Plain words that YAML 1.1 readers (PyYAML among them) take as booleans, and numbers that they read in base 8 or 60. */
const BOOLEAN = /^(y|n|yes|no|on|off)$/i;
const OCTAL = /^0[0-7]+$/;
const SEXAGESIMAL = /^[1-9]\d*(:[0-5]?\d)+$/;

/** `yaml-version`: an unquoted value that other YAML readers take for something else. */
function yamlVersionFindings({ tree, text }: ConfigDocument): Finding[] {
  if (tree.language === 'json') return [];
  const content = text.getText();
  // Who says so wants it read that way, and so it is.
  if (/^%YAML 1\.1\s*$/m.test(content.slice(0, 1000))) return [];
  const findings: Finding[] = [];
  walk(tree.root, (node) => {
    if (node.kind !== 'scalar' || node.quoted) return;
    const written = content.slice(node.start, node.end);
    const other =
      typeof node.value === 'string' && BOOLEAN.test(written)
        ? 'a boolean'
        : typeof node.value === 'string' && SEXAGESIMAL.test(written)
          ? 'a number'
          : OCTAL.test(written)
            ? 'an octal number'
            : null;

    if (other === null) return;
    findings.push({
      code: 'yaml-version',
      severity: 'warning',
      message: `YAML 1.1 readers take ${written} for ${other}; here it is ${typeof node.value === 'string' ? 'a text' : `the number ${String(node.value)}`}.`,
      start: node.start,
      end: node.end,
      path: pathOf(node),
      data: { suggestions: [typeof node.value === 'string' ? JSON.stringify(written) : String(node.value)] },
    });
  });

  return findings;
}

export const rule = defineRule({
  codes: ['yaml-version'],
  needs: 'text',
  check: ({ document }) => yamlVersionFindings(document),
  spelling: ['yaml-version'],
  suppressible: true,
  sections: {
    'yaml-version':
      'Severity: warning.\n\nAn unquoted word or number that readers of YAML 1.1 take for something else: `yes`, `on`, `010`, `12:30`. The fix adds quotes.',
  },
  examples: [
    {
      code: 'yaml-version',
      before: 'model: on\ndata: {calibration: {images: ./train}}\n',
      after: 'model: "on"\ndata: {calibration: {images: ./train}}\n',
    },
  ],
});
