/** A number with so many decimals; what rounds to zero has no sign. */
export const rounded = (value: number, decimals: number): string =>
  value.toFixed(decimals).replace(/^-(?=[0.]+$)/, '');

/** A ratio of signal to noise, or a difference of two, in dB. */
export const decibels = (value: number): string => `${rounded(value, 1)} dB`;

/** An SQNR that is so much above the one about the signal's mean is that of an offset, which is ten times what varies. */
const OFFSET_DB = 10;

/** An output's SQNR; with the one about the signal's mean where that is much lower. `aboutMean` left out or null: unknown. */
export function sqnrText(sqnr: number, aboutMean?: number | null): string {
  const isOffset = typeof aboutMean === 'number' && sqnr - aboutMean >= OFFSET_DB;
  return `SQNR ${decibels(sqnr)}${isOffset ? ` (${decibels(aboutMean)} about its mean)` : ''}`;
}
