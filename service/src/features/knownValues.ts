import { writtenPath, type ConfigPath, type ModelSummary } from '@quantsmith/schemas';
import { imageInput, streamingStates } from '@quantsmith/model/tasks';
import { inline, type Written } from '../document/edit.js';
import { allowedValues, schemaOf } from '../knowledge/schema.js';

/** A value that people write for a key that takes any, and what it is. */
export interface KnownValue {
  /** As it is written, on one line. */
  readonly text: string;
  readonly detail: string;
}

/** Inputs that are smaller are not cut from larger images. */
const MIN_CROPPED = 96;
/** Image classifiers are trained on crops of 224 from images of 256. */
const CROP_RATIO = 256 / 224;

/** Usual values of keys whose values cannot be listed: what fits the model, the default, and what most configs have. */
export function knownValues(
  path: ConfigPath,
  model: ModelSummary | null,
  language: 'yaml' | 'json',
): KnownValue[] {
  const schema = schemaOf(path) ?? {};
  if (path[0] === '$schema') return [{ text: inline(SCHEMA, language), detail: 'this format' }];
  // What can be listed is.
  if (allowedValues(schema).some(({ value }) => value !== null)) return [];

  const names = schema['x-exampleNames'] ?? [];
  const fallback = schema.default;
  const usual = (schema.examples ?? []).map((value, index) => ({
    text: inline(value as Written, language),
    detail: value === fallback ? 'default' : (names[index] ?? 'usual'),
  }));
  const isListed = usual.some(({ detail }) => detail === 'default');
  const isNumber = typeof fallback === 'number';
  const ownDefault = isNumber && !isListed ? [{ text: String(fallback), detail: 'default' }] : [];
  const first = usual.filter(({ detail }) => detail === 'default');
  const others = usual.filter(({ detail }) => detail !== 'default');
  const all = [...fitting(path, model, language), ...ownDefault, ...first, ...others];

  return all.filter(({ text }, index) => all.findIndex((other) => other.text === text) === index);
}

const SCHEMA = 'urn:quantsmith:quantization-config:1';

/** Sizes that lead to the model's image input. */
function fitting(path: ConfigPath, model: ModelSummary | null, language: 'yaml' | 'json'): KnownValue[] {
  const [section, key] = path.slice(-2).map(String);
  if (section === 'states') return statesOutputs(key, model).map((output) => outputValue(output, language));
  const isSize = key === 'resize' || key === 'center_crop' || (section === 'letterbox' && key === 'size');
  const image = model === null || !isSize ? null : imageInput(model.inputs);
  if (image === null || image.height === null || image.width === null) return [];

  const { height, width } = image;
  const both = { text: inline([height, width], language), detail: `the model takes ${height} × ${width}` };
  const side = { ...both, text: String(height) };
  const isSquare = height === width;
  if (key === 'resize') {
    const larger = Math.round(height * CROP_RATIO);
    const before = { text: String(larger), detail: `the short side, before a crop to ${height}` };
    return isSquare && height >= MIN_CROPPED ? [before, both] : [both];
  }

  return [isSquare ? side : both];
}

/** Outputs of the model, first the one that a state's input most probably comes back as. */
function statesOutputs(input: string | undefined, model: ModelSummary | null): ModelSummary['outputs'] {
  if (model === null || input === undefined) return [];
  const likely = streamingStates(model.inputs, model.outputs)[input];
  const isLikely = ({ name }: { readonly name: string }) => name === likely;
  return [...model.outputs.filter(isLikely), ...model.outputs.filter((output) => !isLikely(output))];
}

const outputValue = ({ name, dims }: ModelSummary['outputs'][number], language: 'yaml' | 'json') => ({
  text: inline(name, language),
  detail: `an output of the model, [${dims.join(', ')}]`,
});

/** A path without merge keys: what stands in the mapping of one belongs to the mapping around it. */
export const withoutMerges = (path: ConfigPath): ConfigPath =>
  path.includes('<<' as never) ? writtenPath(path.filter((step) => String(step) !== '<<')) : path;
