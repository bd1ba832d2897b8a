import { expect, it } from 'vitest';
import { placedText } from '../src/output/session.js';

it('a name cannot forge lines, colours or annotations in what is printed', () => {
  const message = 'Unknown node "a\n::error::forged \u001b[31mred".';
  const problem = { code: 'unknown-node', severity: 'error', message } as const;
  const text = placedText({ ...problem, file: 'a\u001b[2J.yaml', start: { line: 0, character: 0 } });
  expect(text.split('\n')).toHaveLength(1);
  expect(text).not.toContain('\u001b');
});
