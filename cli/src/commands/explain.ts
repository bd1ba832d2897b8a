import { explain, explainedCodes } from '@quantsmith/api';
import { fail } from '@quantsmith/schemas';
import { closest } from 'fastest-levenshtein';
import { EXIT } from '../output/exitCodes.js';

/** `quantsmith explain`: what a code of a finding or an error means, and what to do; without a code, all of them. */
export function explainCommand(code: string | undefined, options: { readonly json?: boolean }): number {
  if (code === undefined) {
    const codes = explainedCodes();
    console.log(options.json === true ? JSON.stringify(codes, null, 2) : codes.join('\n'));
    return EXIT.ok;
  }

  const explanation =
    explain(code) ??
    fail('usage-invalid', `There is no code "${code}". Did you mean "${closest(code, explainedCodes())}"?`);

  console.log(
    options.json === true
      ? JSON.stringify(explanation, null, 2)
      : `${code}\n\n${explanation.text}\n\n${explanation.url}`,
  );

  return EXIT.ok;
}
