import type { Paint } from '@quantsmith/report';
import picocolors from 'picocolors';

/** Colours for standard output: on a terminal, unless NO_COLOR or FORCE_COLOR say otherwise; FORCE_COLOR wins, as in Node. */
export function terminalPaint(): Paint {
  const { bold, green, red, dim } = picocolors.createColors(wantsColour(process.env, process.stdout.isTTY));
  return { strong: bold, good: green, bad: red, quiet: dim };
}

/** Whether colours are wanted: an empty variable says nothing. */
export function wantsColour(env: NodeJS.ProcessEnv, isTerminal: boolean | undefined): boolean {
  const { FORCE_COLOR: force = '', NO_COLOR: no = '', TERM: term } = env;
  if (force !== '') return force !== '0' && force !== 'false';
  return no === '' && isTerminal === true && term !== 'dumb';
}
