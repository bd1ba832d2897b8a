import { type ConfigPath, isModulePath } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findNode } from '../document/tree.js';
import { namedPaths } from '../facts/namedPaths.js';
import { MANAGE_TRUST_COMMAND } from '../findings/commands.js';
import type { Finding } from '../findings/finding.js';
import type { Fix, FixTable } from '../findings/fix.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

/** `modules-blocked`: loaders and metrics that are programs, where nobody has allowed them to run. */
function blockedModules({
  document,
  value,
  baseDir,
  modulesBlocked,
}: RuleInput & { baseDir: string }): Finding[] {
  if (modulesBlocked !== true) return [];
  const modules = namedPaths(value, baseDir).filter(({ written }) => isModulePath(written));
  return modules.map(({ path, written }) => ({
    code: 'modules-blocked',
    severity: 'warning',
    message: `"${written}" is a program; a run refuses it until modules are allowed here.`,
    ...placeIn(document, path),
    path,
    data: {},
  }));
}

function placeIn(document: ConfigDocument, path: ConfigPath): { start: number; end: number } {
  const { start, end } = findNode(document.tree, path) ?? placeOf(document, path);
  return { start, end };
}

const MANAGE: Fix = { title: 'Manage trust', edits: [], command: MANAGE_TRUST_COMMAND, preferred: true };

const fixes: FixTable = { 'modules-blocked': () => [MANAGE] };

export const rule = defineRule({
  codes: ['modules-blocked'],
  needs: 'data',
  check: blockedModules,
  fixes,
  suppressible: true,
  sections: {
    'modules-blocked':
      'Severity: warning. In VS Code only.\n\nA `loader` or metric that is a JavaScript or TypeScript module runs with your full permissions. It runs only in a workspace that you trust, with the setting `quantsmith.allowModules`; the fix leads to what is missing. See [security.md](security.md).',
  },
  examples: [
    {
      code: 'modules-blocked',
      before: 'model: model.onnx\ndata: {calibration: {loader: ./load.mjs}}\n',
      after: null,
    },
  ],
});
