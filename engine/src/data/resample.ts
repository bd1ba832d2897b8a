import type { Pixels } from './preprocess.js';

/**
 * Bilinear scaling from the four nearest pixels alone, as OpenCV's INTER_LINEAR does it: pixel i of the result is at
 * (i + 0.5) · from / to − 0.5 of the source.
 */
export function shrinkPlainly(
  pixels: Pixels,
  { width, height }: { readonly width: number; readonly height: number },
): Pixels {
  const { channels } = pixels;
  const columns = taps(pixels.width, width);
  const rows = taps(pixels.height, height);
  const data = new Uint8Array(width * height * channels);
  let write = 0;
  for (const row of rows) {
    const [upper, lower] = [row.first * pixels.width, row.second * pixels.width];
    for (const { first, second, share } of columns) {
      for (let channel = 0; channel < channels; channel++) {
        const pixel = (line: number, column: number) => pixels.data[(line + column) * channels + channel]!;
        const top = pixel(upper, first) * (1 - share) + pixel(upper, second) * share;
        const bottom = pixel(lower, first) * (1 - share) + pixel(lower, second) * share;
        data[write++] = Math.round(top * (1 - row.share) + bottom * row.share);
      }
    }
  }

  return { data, width, height, channels };
}

/** For each place of the result the two neighbours in the source, and the second one's share. */
function taps(from: number, to: number): { first: number; second: number; share: number }[] {
  return Array.from({ length: to }, (_, index) => {
    const place = Math.max(0, ((index + 0.5) * from) / to - 0.5);
    const first = Math.min(from - 1, Math.floor(place));
    return { first, second: Math.min(from - 1, first + 1), share: first === from - 1 ? 0 : place - first };
  });
}
