/** Where samples lie, relative to the data folder. */
export interface BenchData {
  readonly images?: string;
  readonly array?: string;
  readonly labels?: string;
  readonly limit?: number;
}

export interface BenchModel {
  readonly name: string;
  readonly file: string;
  readonly preprocess: Readonly<Record<string, unknown>> | null;
  readonly transformer?: boolean;
  readonly calibration: BenchData;
  readonly validation: BenchData;
}

export declare const models: readonly BenchModel[];
