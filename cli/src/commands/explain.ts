import { explain, explainedCodes } from '@quantsmith/api';
import { fail } from '@quantsmith/schemas';
import { closest, distance } from 'fastest-levenshtein';
import { EXIT } from '../output/exitCodes.js';

import { printJson, printLines } from '../output/terminal.js';
/** `quantsmith explain`: explains the code of a finding or an error; without a code, all of them. */
export function explainCommand(code: string | undefined, options: { readonly json?: boolean }): number {
  if (code === undefined) {
    const codes = explainedCodes();
    if (options.json === true) printJson(codes);
    else printLines(codes);
    return EXIT.ok;
  }

  const explanation =
    explain(code) ?? fail('usage-invalid', `There is no code "${code}".${suggestion(code)}`);

  if (options.json === true) printJson(explanation);
  else printLines([code, '', ...explanation.text.split('\n'), '', explanation.url]);

  return EXIT.ok;
}

/** The code that may be meant; nothing where more than a third of the letters differ. */
function suggestion(code: string): string {
  const near = closest(code, explainedCodes());
  const isNear = distance(code, near) <= Math.max(1, Math.floor(Math.max(code.length, near.length) / 3));
  return isNear ? ` Did you mean "${near}"?` : ' `quantsmith explain` lists them.';
}
