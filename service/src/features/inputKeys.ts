import type { ConfigPath, ModelSummary } from '@quantsmith/schemas';
import { streamingStates } from '@quantsmith/model/tasks';

/** The model's inputs that are keys at a path: those that it feeds back below `states`, the others but the first below `constants`. */
export function inputsFor(path: ConfigPath, model: ModelSummary | null): ModelSummary['inputs'] {
  const key = path.at(-1);
  if (model === null || path[0] !== 'data' || path.length !== 3) return [];
  if (key !== 'states' && key !== 'constants') return [];
  const states = new Set(Object.keys(streamingStates(model.inputs, model.outputs)));
  return model.inputs.slice(1).filter(({ name }) => states.has(name) === (key === 'states'));
}

/** The kind of source that a model most probably reads; null: its inputs do not tell. */
export function likelySource(model: ModelSummary | null): 'audio' | null {
  if (model === null) return null;
  return Object.keys(streamingStates(model.inputs, model.outputs)).length > 0 ? 'audio' : null;
}
