/** What a person can ask for a single layer: keep it in float, half of the weights' range, or codes of 16 bits. */
export const LAYER_CHANGES = ['exclude', 'half_range', 'bits16'] as const;
export type LayerChange = (typeof LAYER_CHANGES)[number];

/** How the values of one weight lie on its grid of codes: each value divided by the scale of its channel. */
export interface WeightCodes {
  readonly tensor: string;
  readonly dims: readonly number[];
  readonly bits: number;
  readonly perChannel: boolean;
  readonly halfRange: boolean;
  /** Scales, from the smallest to the largest. */
  readonly scales: readonly [smallest: number, largest: number];
  /** Values by the code that they round to, from `firstCode` on. */
  readonly firstCode: number;
  readonly counts: readonly number[];
  /** Signal to rounding noise of the weight alone, in dB; null: no noise, or no signal. */
  readonly decibels: number | null;
}
