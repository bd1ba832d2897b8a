import type { TensorSignature } from '@quantsmith/schemas';

export interface ImageInput {
  readonly layout: 'nchw' | 'nhwc';
  readonly channels: number;
  readonly height: number | null;
  readonly width: number | null;
}

/** The model's only input when it looks like an image. */
export function imageInput(inputs: readonly TensorSignature[]): ImageInput | null {
  const [only, ...others] = inputs;
  if (only === undefined || others.length > 0 || only.dims.length !== 4 || !/^(float|uint8)/.test(only.type))
    return null;
  const [, first, second, third] = only.dims;
  const size = (dim: number | string | undefined) => (typeof dim === 'number' && dim > 0 ? dim : null);
  const isChannels = (dim: number | string | undefined): dim is 1 | 3 => dim === 1 || dim === 3;
  if (isChannels(first)) return { layout: 'nchw', channels: first, height: size(second), width: size(third) };

  return isChannels(third)
    ? { layout: 'nhwc', channels: third, height: size(first), width: size(second) }
    : null;
}
