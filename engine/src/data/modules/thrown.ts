import { inspect } from 'node:util';
import type { Thrown } from './messages.js';

const MAX_MESSAGE = 2000;
const MAX_STACK = 8000;

/** What was thrown, in words: it may be no Error, and an Error may answer as it likes. */
export function thrownBy(error: unknown): Thrown {
  try {
    if (error instanceof Error) {
      const text = textOf(error.message);
      return {
        message: (text.trim() === '' ? `${textOf(error.name)} without a message` : text).slice(
          0,
          MAX_MESSAGE,
        ),
        stack: textOf(error.stack ?? '').slice(0, MAX_STACK),
      };
    }

    const isEmpty = error === undefined || error === null || error === '';

    return {
      message: isEmpty ? `${inspect(error)} was thrown` : textOf(error).slice(0, MAX_MESSAGE),
      stack: '',
    };
  } catch {
    return { message: 'something that cannot be read was thrown', stack: '' };
  }
}

/** Of anything: messages of errors may be of any type too. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 2, breakLength: Infinity });
}
