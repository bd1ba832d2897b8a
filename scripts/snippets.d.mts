/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** Of its fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

export interface Runner {
  /** The test that runs it; null: nothing does. */
  readonly by: string | null;
  readonly done: 'run' | 'compared' | 'checked' | 'read' | 'no';
  /** Why it is not run. */
  readonly why?: string;
}

export const PAGES: readonly string[];
export const RUNNERS: readonly Runner[];
export function blocksOf(page: string): Block[];
export function commandsOf(block: Block): string[];
export function snippets(): { block: Block; runner: Runner | undefined }[];
