export interface Step {
  readonly file: string;
  readonly job: string;
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
  /** Why a bare machine cannot run it; null: it can. */
  readonly why: string | null;
}

export function steps(): Step[];
export function filledIn(text: string, temporary: string): string;
