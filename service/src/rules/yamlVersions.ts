import type { ConfigDocument } from '../document/document.js';
import { pathOf, walk, type Span } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { defineRule } from './rule.js';

/** Plain words that YAML 1.1 readers (PyYAML among them) take as booleans, dates, and numbers that they read otherwise. */
const BOOLEAN = /^(y|n|yes|no|on|off)$/i;
const OCTAL = /^0[0-7]+$/;
const SEXAGESIMAL = /^[1-9]\d*(:[0-5]?\d)+$/;
const SEPARATED = /^[-+]?[1-9][\d]*(_\d+)+(\.\d*)?$/;
const DATE = /^\d{4}-\d\d?-\d\d?([Tt ].*)?$/;
/** They want a point and a sign: `1.0e-3`. */
const EXPONENT = /^[-+]?(\d+e[-+]?\d+|\d+\.\d*e\d+|\.\d+e\d+)$/i;

/** All of them are numbers, or have at most three letters. */
const MAX_WORD = 3;
const mayBeOther = (content: string, { start, end }: Span) =>
  end - start <= MAX_WORD || NUMERIC.test(content.charAt(start));
const NUMERIC = /[-+.\d]/;

/** What those readers take a plain scalar for; null: for the same as here. */
function otherReading(written: string, value: unknown): string | null {
  if (typeof value === 'string') {
    if (BOOLEAN.test(written)) return 'a boolean';
    if (DATE.test(written)) return 'a date';
    return SEXAGESIMAL.test(written) || SEPARATED.test(written) ? 'a number' : null;
  }

  if (OCTAL.test(written)) return 'an octal number';
  return typeof value === 'number' && EXPONENT.test(written) ? 'a text' : null;
}

/** A number as all readers take it: `0.001`, or `1.0e-30`. */
function plainNumber(value: number): string {
  const [digits = '', exponent] = String(value).split('e');
  if (exponent === undefined) return digits;
  return `${digits.includes('.') ? digits : `${digits}.0`}e${/^[-+]/.test(exponent) ? '' : '+'}${exponent}`;
}

/** `yaml-version`: an unquoted value that other YAML readers take for something else. */
function yamlVersionFindings({ tree, text }: ConfigDocument): Finding[] {
  if (tree.language === 'json') return [];
  const content = text.getText();
  // Who says so wants it read that way, and so it is.
  if (/^%YAML 1\.1\s*$/m.test(content.slice(0, 1000))) return [];
  const findings: Finding[] = [];
  walk(tree.root, (node) => {
    if (node.kind !== 'scalar' || node.quoted || !mayBeOther(content, node)) return;
    const written = content.slice(node.start, node.end);
    const { value } = node;
    const other = otherReading(written, value);
    if (other === null) return;
    const here = typeof value === 'string' ? 'a text' : `the number ${String(value)}`;
    const safe = typeof value === 'number' ? plainNumber(value) : JSON.stringify(written);
    findings.push({
      code: 'yaml-version',
      severity: 'warning',
      message: `YAML 1.1 readers take ${written} for ${other}; here it is ${here}.`,
      start: node.start,
      end: node.end,
      path: pathOf(node),
      data: { suggestions: [safe] },
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
      'Severity: warning.\n\nAn unquoted word or number that YAML 1.1 parsers read as something else: `yes`, `on`, `010`, `12:30`, `1_000`, `1e-3`, `2026-01-02`. The fix adds quotes, or writes the number so that all agree.',
  },
  examples: [
    {
      code: 'yaml-version',
      before: 'model: on\ndata: {calibration: {images: ./train}}\n',
      after: 'model: "on"\ndata: {calibration: {images: ./train}}\n',
    },
  ],
});
