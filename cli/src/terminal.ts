import type { Paint } from '@quantsmith/report';
import picocolors from 'picocolors';

/** Colours on a terminal only: a pipe in CI is none, whatever its variables say. */
export function terminalPaint(): Paint {
  const { bold, green, red, dim } = picocolors.createColors(
    process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
  );
  return { strong: bold, good: green, bad: red, quiet: dim };
}
