import { inspect } from 'node:util';
import type { Thrown } from './messages.js';

const MAX_MESSAGE = 2000;
const MAX_STACK = 8000;

/** What was thrown, in words: it may be no Error, and an Error may answer as it likes. */
export function thrownBy(error: unknown): Thrown {
  try {
    if (error instanceof Error) {
      return {
        message: error.message.slice(0, MAX_MESSAGE),
        stack: (error.stack ?? '').slice(0, MAX_STACK),
      };
    }

    const message = typeof error === 'string' ? error : inspect(error, { depth: 2, breakLength: Infinity });

    return { message: message.slice(0, MAX_MESSAGE), stack: '' };
  } catch {
    return { message: 'something that cannot be read was thrown', stack: '' };
  }
}
