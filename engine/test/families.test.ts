import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readModel } from '@quantsmith/model/onnx';
import { FAMILIES, type Family } from '../../test/kit/families.js';
import { quantizeModel } from '../../test/kit/quantize.js';
import { runModel } from '../../test/kit/runModel.js';

/** What the peers make of the same networks and samples: `npm run bench:families`. */
const { figures } = JSON.parse(readFileSync(new URL('families.json', import.meta.url), 'utf8')) as {
  readonly figures: Readonly<Record<string, Readonly<Record<string, number>>>>;
};

/** Signal over noise at the output, on samples that nothing was chosen or calibrated on, in dB. */
async function outputError({ network, shape, calibration, validation }: Family): Promise<number> {
  const samples = calibration.map((data) => ({ shape, data }));
  const { output } = await quantizeModel(network, samples, {});
  const quantized = (await readModel(output)).model;
  const [sum, square, noise] = [[], [], []] as [number[], number[], number[]];
  for (const data of validation) {
    const feeds = { x: { type: 'float32' as const, dims: [1, ...shape], data } };
    const [expected, actual] = [await runModel(network, feeds), await runModel(quantized, feeds)];
    const wanted = expected['y']!.data as Float32Array;
    const given = actual['y']!.data as Float32Array;
    wanted.forEach((x, i) => {
      sum.push(x);
      square.push(x * x);
      noise.push((x - given[i]!) ** 2);
    });
  }

  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return 10 * Math.log10((mean(square) - mean(sum) ** 2) / mean(noise));
}

describe('families of networks, by default', () => {
  it.each(Object.entries(FAMILIES))(
    'are at most 1 dB below the best peer: %s',
    async (name, family) => {
      const peers = Object.values(figures[name]!);
      expect(await outputError(family)).toBeGreaterThan(Math.max(...peers) - 1);
    },
    180_000,
  );
});
