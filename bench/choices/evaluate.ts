import type { QuantizationConfig } from '@quantsmith/schemas';
import type { HostTensor } from '@quantsmith/model/arrays';
import { openData } from '../../engine/src/data/source.js';
import { createSession, run } from '../../engine/src/runtime/session.js';

/** How a quantized model answers beside its float model. */
export interface Evaluation {
  /** Signal (variance over all samples and elements) over noise of each output, in dB. */
  readonly outputs: Readonly<Record<string, number>>;
  /** Shares of right answers; null without labels of classes. */
  readonly top1: { readonly float: number; readonly quantized: number } | null;
}

interface Sums {
  count: number;
  value: number;
  square: number;
  noise: number;
}

/** Both models over at most `most` samples of the section, spread over it. */
export async function evaluate(
  float: string,
  quantized: string,
  section: NonNullable<QuantizationConfig['data']['validation']>,
  most: number,
): Promise<Evaluation> {
  const sessions = await Promise.all([float, quantized].map((path) => createSession(path, { threads: 2 })));
  const inputs = sessions[0]!.inputs.map(({ name, type, dims }) => ({ name, type, dims }));
  const source = await openData(section, {
    ...{ inputs, baseDir: '.', allowModules: false },
    configPath: ['data', 'validation'],
  });
  const sums = new Map<string, Sums>();
  const right = { float: 0, quantized: 0, all: 0 };
  const step = Math.max(1, Math.floor(source.count / most));
  for (let index = 0; index < source.count; index += step) {
    const { feeds, label } = await source.get(index);
    const [expected, actual] = [await run(sessions[0]!, feeds), await run(sessions[1]!, feeds)];
    for (const [name, tensor] of Object.entries(expected)) {
      sums.set(name, added(sums.get(name), tensor, actual[name]!));
    }

    if (typeof label !== 'number') continue;
    const [first = ''] = Object.keys(expected);
    right.all++;
    right.float += Number(answer(expected[first]!) === label);
    right.quantized += Number(answer(actual[first]!) === label);
  }

  for (const session of sessions) await session.release();

  return {
    outputs: Object.fromEntries([...sums].map(([name, sum]) => [name, decibels(sum)])),
    top1: right.all === 0 ? null : { float: right.float / right.all, quantized: right.quantized / right.all },
  };
}

function added(sum: Sums | undefined, expected: HostTensor, actual: HostTensor): Sums {
  const { count, value, square, noise } = sum ?? { count: 0, value: 0, square: 0, noise: 0 };
  const next = { count, value, square, noise };
  const [left, right] = [expected.data as Float32Array, actual.data as Float32Array];
  for (let i = 0; i < left.length; i++) {
    next.count++;
    next.value += left[i]!;
    next.square += left[i]! ** 2;
    next.noise += (left[i]! - right[i]!) ** 2;
  }

  return next;
}

const decibels = ({ count, value, square, noise }: Sums) =>
  10 * Math.log10((square - value ** 2 / count) / noise);

function answer({ data }: HostTensor): number {
  const values = data as Float32Array;
  return values.indexOf(values.reduce((a, b) => Math.max(a, b)));
}
