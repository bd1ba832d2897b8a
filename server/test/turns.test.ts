import { expect, it } from 'vitest';
import { createTurns } from '../src/session/turns.js';

/** Steps that each take longer than a turn. */
function* slowSteps(count: number, taken: number[]): Generator<undefined, string> {
  for (let step = 0; step < count; step++) {
    const end = performance.now() + 10;
    while (performance.now() < end);
    taken.push(step);
    yield;
  }

  return 'done';
}

it('checking goes on when a request is answered, and not before', async () => {
  const turns = createTurns();
  const taken: number[] = [];
  const checking = turns.finish(slowSteps(3, taken), () => false);
  expect(taken).toEqual([0]);

  let answer = () => {};
  const answered = turns.answering(new Promise<void>((resolve) => (answer = resolve)));
  for (let round = 0; round < 10; round++) await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toEqual([0]);

  answer();
  await answered;
  expect(await checking).toBe('done');
});

it('checking ends when nobody needs its end any more', async () => {
  const turns = createTurns();
  const taken: number[] = [];
  expect(await turns.finish(slowSteps(3, taken), () => true)).toBeNull();
  expect(taken).toEqual([0]);
});

it('a request that fails holds nobody up', async () => {
  const turns = createTurns();
  await expect(turns.answering(Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  await turns.pause();
});
