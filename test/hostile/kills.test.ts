import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtCli, root } from '../kit/builtCli.js';
import { killOnce } from './kills.js';

const cli = builtCli();
const KILLS = 4;

describe.skipIf(process.platform !== 'linux')('a run that is killed at any moment', () => {
  it.each(Array.from({ length: KILLS }, (_, index) => index + 1))('seed %i', async (seed) => {
    const { faults, ...kill } = await killOnce(seed, cli, join(root, 'examples/digits'));
    expect(faults, JSON.stringify(kill)).toEqual([]);
  });
});
