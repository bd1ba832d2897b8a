interface Validate {
  (value: unknown): boolean;
  errors?: unknown[] | null;
}
export declare const validateConfig: Validate;
export declare const validateReport: Validate;
