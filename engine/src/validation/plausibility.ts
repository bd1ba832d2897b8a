import { metricValue, type Problem } from '@quantsmith/schemas';
import { readFloats, type ModelProto } from '@quantsmith/model/onnx';
import { isLinear } from '@quantsmith/model/operators';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Baseline, Validation } from './validation.js';

/** Probability of guessing so well, above which right answers may be guesses. */
const MAX_CHANCE = 0.01;
/** A good model on few samples of few classes cannot be told from guessing either: it has come further than this. */
const FAR = 1 / 4;

/**
 * What is to be said of a float model that answers no better than by guessing: then labels, class order or preprocessing do
 * not fit it, and no drop from it means anything. `classes`: values of the output that classes are read from; null: unknown.
 */
export function plausibilityProblems(
  { metric }: Pick<Validation, 'metric'>,
  { states, value }: Pick<Baseline, 'states' | 'value'>,
  classes: number | null,
): Problem[] {
  const guess = metric.guess?.(states, classes) ?? null;
  if (guess === null || guess.chance < MAX_CHANCE || guess.reached >= FAR) return [];
  const guessing = guess.among === undefined ? 'guessing' : `guessing among ${guess.among}`;
  const guessed = metricValue(metric.name, guess.value);

  return [
    {
      code: 'float-accuracy-implausible',
      severity: 'error',
      message: `The float model's ${metric.name} is ${metricValue(metric.name, value)} on ${states.length} samples, no better than ${guessing} (${guessed}): labels, class order, task or preprocessing do not fit the model.`,
      configPath: ['data', 'validation'],
      data: {
        metric: metric.name,
        value,
        samples: states.length,
        guessed: guess.value,
        chance: guess.chance,
      },
    },
  ];
}

/** A model that has come less than half the way from guessing answers badly. */
export const BAD = 1 / 2;

/** What is to be said of a float model that answers badly and has a layer that passes nothing on: all its weights are 0. */
export function deadLayerProblems(
  { metric }: Pick<Validation, 'metric'>,
  { states, value }: Pick<Baseline, 'states' | 'value'>,
  { model, graph, dir }: PreparedModel,
): Problem[] {
  const guess = metric.guess?.(states, classesOf(model)) ?? null;
  if (guess === null || guess.reached >= BAD) return [];
  const dead = graph.nodes.filter((node) => {
    const tensor = isLinear(node) ? graph.initializer(node.input[1] ?? '') : undefined;
    return tensor !== undefined && readFloats(tensor, dir).every((weight) => weight === 0);
  });
  if (dead.length === 0) return [];
  const names = dead.map(({ name }) => name);

  return [
    {
      code: 'float-accuracy-implausible',
      severity: 'error',
      message: `The float model's ${metric.name} is ${metricValue(metric.name, value)} on ${states.length} samples, and all weights of ${names.slice(0, 3).join(', ')} are 0: nothing passes through this layer. The weights were probably saved or loaded incompletely.`,
      configPath: ['model'],
      data: { metric: metric.name, value, layers: names },
    },
  ];
}

/** Values of each row of the only output, where its shape says so; null: there are several, or it is no row of scores. */
export function classesOf({ graph }: ModelProto): number | null {
  const [output, ...others] = graph?.output ?? [];
  const type = output?.type?.value;
  if (others.length > 0 || type?.case !== 'tensorType') return null;
  const dims = type.value.shape?.dim ?? [];
  const last = dims.at(-1)?.value;
  return dims.length === 2 && last?.case === 'dimValue' ? Number(last.value) : null;
}

/** Said of a run without a metric: that nothing is red does not mean that accuracy is kept. */
export const unmeasured = (): Problem => ({
  code: 'accuracy-not-measured',
  severity: 'info',
  message:
    'Accuracy was not measured: the outputs were compared with the float model, which says nothing about correctness. Name data.validation with labels.',
  configPath: ['data'],
});
