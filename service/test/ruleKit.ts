import { findAll, fixesOf, type RuleContext } from '../src/rules/all.js';
import { applied, config, type Language } from '../../test/kit/configs.js';
import { summary } from '../../test/kit/summary.js';

export const NOTHING: RuleContext = {
  baseDir: null,
  model: null,
  modelProblem: null,
  report: null,
  changed: null,
};
export const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';

/** Code of every finding, and the text that it marks. */
export function found(text: string, context: Partial<RuleContext> = {}, language: Language = 'yaml') {
  const document = config(text, language);
  return findAll(document, { ...NOTHING, ...context }).findings.map(
    ({ code, start, end }) => `${code} ${text.slice(start, end)}`,
  );
}

/** The text after the preferred fix of the only finding with this code. */
export function fixed(
  text: string,
  code: string,
  context: Partial<RuleContext> = {},
  title?: RegExp,
  language: Language = 'yaml',
) {
  const document = config(text, language);
  const finding = findAll(document, { ...NOTHING, ...context }).findings.find((one) => one.code === code)!;
  const fixes = fixesOf(document, { ...finding, data: finding.data ?? {} });
  const fix = fixes.find((one) => (title === undefined ? one.preferred : title.test(one.title)))!;
  return applied(document, fix.edits);
}

export const model = summary({
  nodes: [
    { name: '/stem/Conv', op: 'Conv', outputs: ['features'] },
    { name: '/add', op: 'Add', outputs: [] },
  ],
  inputs: [{ name: 'image', type: 'float32', dims: [] }],
});
export const scope = (inner: string) => `${HEAD}quantization:\n  ignored_scope:\n    ${inner}\n`;
