/** A number with so many decimals; what rounds to zero has no sign. */
export const rounded = (value: number, decimals: number): string =>
  value.toFixed(decimals).replace(/^-(?=[0.]+$)/, '');

/** A ratio of signal to noise, or a difference of two, in dB. */
export const decibels = (value: number): string => `${rounded(value, 1)} dB`;
