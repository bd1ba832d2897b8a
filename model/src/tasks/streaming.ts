import type { TensorSignature } from '@quantsmith/schemas';

const isFree = (dim: number | string) => typeof dim === 'string' || dim <= 0;

/** Whether an output can be fed back to an input: the same type, and dimensions that do not contradict each other. */
function canFeed(output: TensorSignature, input: TensorSignature): boolean {
  if (output.type !== input.type) return false;
  if (output.unranked === true || input.unranked === true) return true;
  const agrees = (dim: number | string, axis: number) =>
    isFree(dim) || isFree(output.dims[axis]!) || output.dims[axis] === dim;
  return output.dims.length === input.dims.length && input.dims.every(agrees);
}

/**
 * The inputs of a streaming model that come back as outputs, each with its output: float inputs besides the first, with an output
 * besides the first that can feed them. Where several can, the one whose name is most like the input's, else the next in order.
 */
export function streamingStates(
  inputs: readonly TensorSignature[],
  outputs: readonly TensorSignature[],
): Record<string, string> {
  const free = new Set(outputs.slice(1));
  const states: [string, string][] = [];
  for (const input of inputs.slice(1)) {
    if (!input.type.startsWith('float') || input.dims.length < 2) continue;
    const able = [...free].filter((output) => canFeed(output, input));
    const isExact = ({ dims }: TensorSignature) => dims.every((dim, axis) => dim === input.dims[axis]);
    const byName = able.filter(({ name }) => likeness(name, input.name) >= 3);
    const pool = byName.length > 0 ? byName : able.some(isExact) ? able.filter(isExact) : able;
    const [chosen] = [...pool].sort((a, b) => likeness(b.name, input.name) - likeness(a.name, input.name));
    if (chosen === undefined) continue;
    free.delete(chosen);
    states.push([input.name, chosen.name]);
  }

  return Object.fromEntries(states);
}

/** Letters and digits that two names begin with together. */
function likeness(first: string, other: string): number {
  let count = 0;
  while (count < first.length && first[count] === other[count]) count++;
  return count;
}

/** Why the states of a config do not fit a model, as sentences; null: they do. `outputs`: null where they are not known. */
export function statesProblem(
  states: Readonly<Record<string, string>>,
  inputs: readonly TensorSignature[],
  outputs: readonly TensorSignature[] | null,
): string | null {
  const listed = (all: readonly TensorSignature[]) =>
    all
      .slice(0, 8)
      .map(({ name }) => name)
      .join(', ');
  const shape = ({ type, dims }: TensorSignature) => `${type} [${dims.join(', ')}]`;
  for (const [from, to] of Object.entries(states)) {
    const input = inputs.find(({ name }) => name === from);
    if (input === undefined) return `The model has no input "${from}"; it has ${listed(inputs)}.`;
    if (outputs === null) continue;
    const output = outputs.find(({ name }) => name === to);
    if (output === undefined) return `The model has no output "${to}"; it has ${listed(outputs)}.`;
    if (!canFeed(output, input))
      return `The output "${to}" (${shape(output)}) does not fit the input "${from}" (${shape(input)}).`;
  }

  return null;
}

/** The one input that takes audio: what is neither a state nor a constant; else why there is none, as a sentence. */
export function audioInput(
  inputs: readonly TensorSignature[],
  states: Readonly<Record<string, unknown>>,
  constants: Readonly<Record<string, unknown>>,
): TensorSignature | string {
  const stray = Object.keys(constants).find((name) => !inputs.some((input) => input.name === name));
  if (stray !== undefined) return `constants names "${stray}", which is not an input of the model.`;
  const remaining = inputs.filter(
    ({ name }) => !Object.hasOwn(states, name) && !Object.hasOwn(constants, name),
  );
  const [only, ...others] = remaining;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined) return 'No input is left for the audio: all are states or constants.';
  const names = remaining.slice(0, 8).map(({ name }) => name);

  return `Audio feeds one input, and ${names.length} are left (${names.join(', ')}): name the others as states or constants.`;
}
