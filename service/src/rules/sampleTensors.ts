import type { TensorSignature } from '@quantsmith/schemas';
import type { TensorFacts } from '../facts/facts.js';
import { fits, shapeText, type Misfit, type Section } from './samplePixels.js';

/** The tensor that a set gives to each input: the one of its name, else the one in its place. */
export function tensorsOf(
  { first }: TensorFacts,
  inputs: readonly TensorSignature[],
):
  | readonly {
      readonly input: TensorSignature;
      readonly tensor: { readonly type: string; readonly shape: readonly number[] } | null;
    }[]
  | null {
  if (first === null) return null;
  const names = new Set(inputs.map(({ name }) => name));
  return inputs.map((input, index) => {
    const named = first.find(({ name }) => name === input.name);
    const placed = first[index];
    const tensor = named ?? (placed === undefined || names.has(placed.name) ? undefined : placed);
    return { input, tensor: tensor?.header ?? null };
  });
}

/** What does not fit of the first set of ONNX test data. */
export function tensorMisfit(
  section: Section,
  facts: TensorFacts | null,
  inputs: readonly TensorSignature[],
): Misfit | null {
  const given = facts === null ? null : tensorsOf(facts, inputs);
  for (const { input, tensor } of given ?? []) {
    if (tensor === null || (tensor.type === input.type && fits(tensor.shape, input))) continue;
    const set = `"${section.tensors}/${facts?.names[0]}"`;
    const message = `${set} gives ${tensor.type} ${shapeText(tensor.shape)} to the input "${input.name}", which expects ${input.type} ${shapeText(input.dims)}.`;

    return { key: ['tensors'], message };
  }

  return null;
}
