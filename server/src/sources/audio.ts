import { readWavHeader } from '@quantsmith/engine';
import { QuantsmithError } from '@quantsmith/schemas';

/** What the header of a .wav file says, or why a run will not read it, as a sentence. */
export type WavFacts =
  { readonly rate: number; readonly channels: number; readonly problem: null } | { readonly problem: string };

/** Throws what is no refusal of a run. */
export async function wavFacts(path: string): Promise<WavFacts> {
  try {
    const { rate, channels } = await readWavHeader(path, []);
    return { rate, channels, problem: null };
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    return { problem: error.problem.message };
  }
}
