import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { builtCli, root } from '../kit/builtCli.js';
import { openKills } from './kills.js';

const KILLS = 6;
const kills = openKills(builtCli(), join(root, 'examples/digits'));
afterAll(() => kills.close());

describe.skipIf(process.platform !== 'linux')('a run that is killed at any moment', () => {
  it.each(Array.from({ length: KILLS }, (_, index) => index + 1))('seed %i', async (seed) => {
    const { faults, ...kill } = await kills.kill(seed);
    expect(faults, JSON.stringify(kill)).toEqual([]);
  });
});
