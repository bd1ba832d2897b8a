import type { HostTensor } from '@quantsmith/model/arrays';

/**
 * How an image lies in the model's input: the point x of the original image is at x · scale + offset. Pixels.
 */
export interface ImagePlacement {
  /** Of the original image. */
  readonly width: number;
  readonly height: number;
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
}

/** An image that is the input as it is. */
export function unchangedPlacement(width: number, height: number): ImagePlacement {
  return {
    width,
    height,
    scaleX: 1,
    scaleY: 1,
    offsetX: 0,
    offsetY: 0,
    inputWidth: width,
    inputHeight: height,
  };
}

/** Of a sample that is no image file: the input itself is the image. NCHW, or NHWC where the second axis is long. */
export function placementOfFeeds(feeds: Readonly<Record<string, HostTensor>>): ImagePlacement {
  const dims = Object.values(feeds).find((feed) => feed.dims.length === 4)?.dims ?? [1, 1, 1, 1];
  const [a = 1, b = 1, c = 1] = dims.slice(1);
  return a <= 4 ? unchangedPlacement(c, b) : unchangedPlacement(b, a);
}
