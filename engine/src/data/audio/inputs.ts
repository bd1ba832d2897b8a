import { type HostTensor, type TensorTypeName } from '@quantsmith/model/arrays';
import { audioInput, statesProblem } from '@quantsmith/model/tasks';
import { fail, tableOf, type TensorSignature } from '@quantsmith/schemas';
import type { Feeds } from '../../runtime/batch.js';
import { convertTo } from '../convert.js';
import type { DataContext, DataSection } from '../types.js';

/** What feeds which input of a model of audio. */
export interface AudioInputs {
  /** Takes the windows. */
  readonly audio: TensorSignature;
  /** Input → output that it takes from the window before. */
  readonly states: Readonly<Record<string, string>>;
  /** The state inputs at the start of a file. */
  readonly zeros: Feeds;
  readonly constants: ReadonlyMap<string, HostTensor>;
}

/** Throws `states-unfit` and `data-inputs`. */
export function settleInputs(section: DataSection, context: DataContext): AudioInputs {
  const { states = {}, constants = {} } = section;
  const { inputs, outputs = null, configPath } = context;
  const problem = statesProblem(states, inputs, outputs);
  if (problem !== null) fail('states-unfit', problem, { configPath: [...configPath, 'states'] });
  const audio = audioInput(inputs, states, constants);
  if (typeof audio === 'string') return fail('data-inputs', audio, { configPath: [...configPath, 'audio'] });
  const zeros = tableOf<HostTensor>();
  const fixed = new Map<string, HostTensor>();
  for (const input of inputs) {
    const value = constants[input.name];
    if (Object.hasOwn(states, input.name)) zeros[input.name] = filled(input, 0, context);
    else if (value !== undefined) fixed.set(input.name, filled(input, value, context));
  }

  return { audio, states, zeros, constants: fixed };
}

/** Free dimensions are 1. */
function filled(
  { name, type, dims }: TensorSignature,
  value: number,
  { configPath }: DataContext,
): HostTensor {
  const shape = dims.map((dim) => (isFixed(dim) ? dim : 1));
  const values = Float64Array.from({ length: shape.reduce((all, dim) => all * dim, 1) }, () => value);
  const data = convertTo(type, values, { name: `input "${name}"`, configPath });
  return { type: type as TensorTypeName, dims: shape, data };
}

/** `count` values in the model's shape: its last free dimension takes what the others leave. */
export function shapedAs({ dims }: TensorSignature, count: number): number[] {
  const known = dims.reduce<number>((all, dim) => all * (isFixed(dim) ? dim : 1), 1);
  const last = dims.findLastIndex((dim) => !isFixed(dim));
  const rest = count / known;
  // What does not come out even is said of the sample's shape.
  if (!Number.isInteger(rest) || (last < 0 && rest !== 1)) return [1, count];
  return dims.map((dim, axis) => (isFixed(dim) ? dim : axis === last ? rest : 1));
}

const isFixed = (dim: number | string): dim is number => typeof dim === 'number' && dim > 0;
