import { defaultMetric, metricFacts, type ConfigPath, type ModelSummary } from '@quantsmith/schemas';
import { shapesDraft } from '@quantsmith/model/tasks';
import type { ConfigDocument } from '../document/document.js';
import { entriesOf, findNode, resolved, type Tree } from '../document/tree.js';
import type { AllowedValue } from '../knowledge/schema.js';
import type { Cursor } from './cursor.js';
import { siblings } from './modelItems.js';

/** Listed values, what fits the model or the data first, without those that the list around the cursor has already. */
export function likelyFirst(
  document: ConfigDocument,
  cursor: Cursor,
  allowed: readonly AllowedValue[],
  model: ModelSummary | null,
): readonly AllowedValue[] {
  const present = siblings(document, cursor);
  const isLikely = likely(cursor.path, document.tree, model);
  const left = allowed.filter(({ value }) => !present.has(String(value)));

  return [
    ...left.filter(({ value }) => isLikely(String(value))),
    ...left.filter(({ value }) => !isLikely(String(value))),
  ];
}

function likely(path: ConfigPath, tree: Tree, model: ModelSummary | null): (value: string) => boolean {
  const [section, key] = path;
  const isMetric = section === 'accuracy_control' && key === 'metric';
  if (section !== 'task' && !isMetric) return () => false;
  if (isMetric && isUnlabelled(tree)) return (value) => metricFacts(value)?.labels === null;
  const task = model === null ? null : shapesDraft(model).task;
  if (isMetric) return (value) => value === defaultMetric(task?.type ?? null);

  return (value) => (key === 'type' && value === task?.type) || (key === 'decode' && value === task?.decode);
}

/** Whether accuracy is measured on samples that nobody labelled, as far as the config says. */
function isUnlabelled(tree: Tree): boolean {
  const section = resolved(findNode(tree, ['data', 'validation']));
  const keys = section?.kind === 'mapping' ? entriesOf(section).map(({ key }) => key) : [];
  return !keys.includes('labels') && keys.some((key) => key === 'arrays' || key === 'tensors');
}
