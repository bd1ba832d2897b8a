import type { ModelDraft, ModelSummary } from '@quantsmith/schemas';
import type { Decoder } from './decoders.js';
import { guessTask, type TaskGuess } from './guessTask.js';
import { imageInput } from './imageInput.js';
import { geometries, joined, values, type ImageModel } from './preprocessings.js';

/** What a new config can say of a model by its shapes alone. */
export function shapesDraft(model: ModelSummary): ModelDraft {
  const guess = guessTask(model);
  const [decode] = guess.decoders;
  const image = imageInput(model.inputs);
  const task = taskConfig(guess, decode ?? null);
  const takesBytes = model.inputs[0]?.type === 'uint8';

  return {
    task,
    reasons: [...guess.reasons, ...ambiguity(guess, null)],
    metric: guess.type === 'language_model' ? 'perplexity' : 'cosine',
    labels: null,
    classes: null,
    hasLabels: false,
    preprocess:
      image === null
        ? null
        : usualPreprocess({
            input: image,
            isSized: false,
            peak: null,
            takesBytes,
            type: guess.type,
            decode: decode ?? null,
          }),
    inputLayout: null,
    tried: [],
    remarks: [],
  };
}

/** What images of such a model most probably need. */
export function usualPreprocess(model: ImageModel): NonNullable<ModelDraft['preprocess']> {
  return joined(model, geometries(model)[0] ?? {}, values(model)[0] ?? {});
}

/** A guess as the config's task. */
export function taskConfig({ type, output }: TaskGuess, decode: Decoder | null): ModelDraft['task'] {
  return {
    ...(type === null ? {} : { type }),
    ...(decode === null ? {} : { decode }),
    ...(output === null ? {} : { output }),
  };
}

/** What is to be said where shapes allow several decoders; `senses`: the share of the surest boxes that each could mean. */
export function ambiguity(
  { decoders }: TaskGuess,
  senses: readonly { readonly decode: Decoder | null; readonly sense: number }[] | null,
): string[] {
  if (decoders.length < 2) return [];
  const shares = senses?.map(({ decode, sense }) => `${decode}: ${Math.round(100 * sense)} %`).join(', ');
  const fitting = `The shapes fit ${decoders.join(' and ')}`;

  return [
    shares === undefined
      ? `${fitting}; which one was not tried.`
      : `${fitting}; of the surest boxes on the first samples these lie on the image: ${shares}.`,
  ];
}
