import type { ModelProto } from '@quantsmith/model/onnx';
import { runPipeline } from '../../engine/src/pipeline.js';
import type { QuantizationConfig, RunRequest } from '@quantsmith/schemas';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { type Outcome, watched } from './attempt.js';
import { commandOutcome } from './command.js';
import { npyOf } from './npy.js';
import { hostileModel, oddModel } from './onnx.js';
import { randomOf, type Random } from './random.js';

/** A run computes for longer than a look: calibration, comparison with float, latency. */
export const MAX_RUN_MS = 20_000;
const SAMPLES = 4;

/** A model, samples that fit what it was before, and a config, as files. */
interface RunCase {
  readonly config: QuantizationConfig;
  readonly bytes: number;
}

function arrange(seed: number, folder: string, seeds: readonly ModelProto[]): RunCase {
  const random = randomOf(seed);
  const original = random.pick(seeds);
  const bytes = random.chance(0.4) ? hostileModel(random, [original]) : oddModel(random, original);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'm.onnx'), bytes);
  writeFileSync(join(folder, 'x.npz'), samplesFor(original, random));
  return { config: hostileConfig(random), bytes: bytes.length };
}

/** One hostile model through a whole run in this process. */
export async function throughRun(
  seed: number,
  folder: string,
  seeds: readonly ModelProto[],
): Promise<Outcome> {
  const { config, bytes } = arrange(seed, folder, seeds);
  const reached = new Set<string>();
  const { counted, faults, cost } = await watched(bytes, (attempt) =>
    attempt('written', () =>
      runPipeline(requestOf(folder, config), (event) => {
        if (event.type === 'progress') reached.add(`reached ${event.stage}`);
      }),
    ),
  );
  return { counted: [...counted, ...reached], faults: [...faults, ...unpaired(folder)], cost };
}

/** What `run` ends with that is no fault: done, config, input, target missed. */
const RUN_CODES = [0, 3, 4, 5];

/** The same by the command itself. */
export async function ranByProcess(
  seed: number,
  folder: string,
  seeds: readonly ModelProto[],
  cli: string,
): Promise<Outcome> {
  const { config, bytes } = arrange(seed, folder, seeds);
  const name = 'm.quant.json';
  writeFileSync(join(folder, name), JSON.stringify(config));
  const { outcome } = await commandOutcome(cli, ['run', name, '--no-cache'], {
    ...{ codes: RUN_CODES, fileBytes: bytes, cwd: folder },
  });
  rmSync(join(folder, name));
  const written = outcome.counted.includes('code 0') || outcome.counted.includes('code 5');

  return {
    ...outcome,
    counted: [...outcome.counted, ...(written ? ['written'] : [])],
    faults: [...outcome.faults, ...unpaired(folder)],
  };
}

const requestOf = (folder: string, config: QuantizationConfig): RunRequest => ({
  kind: 'run',
  config,
  configPath: join(folder, 'm.quant.yaml'),
  configSha256: '0'.repeat(64),
  allowModules: false,
  cache: false,
});

const MODEL = 'm.int8.onnx';
// A run that fails while it restores accuracy leaves its journal for --resume.
const LEFT = [
  '',
  `${MODEL} ${MODEL}.report.json`,
  `${MODEL} ${MODEL}.data ${MODEL}.report.json`,
  `${MODEL}.restore.jsonl`,
];

/** Model and report are both there or neither, and nothing else is but what --resume needs. */
function unpaired(folder: string): string[] {
  const made = readdirSync(folder).filter((name) => !['m.onnx', 'x.npz'].includes(name));
  const names = made
    .toSorted()
    .join(' ')
    .replace(/[0-9a-f]{16}\.data/, 'data');
  return LEFT.includes(names) ? [] : [`left: ${made.join(', ')}`];
}

function hostileConfig(random: Random): QuantizationConfig {
  const data = { arrays: 'x.npz' };
  const measured = random.chance(0.3);
  return {
    model: 'm.onnx',
    history: false,
    data: measured ? { calibration: data, validation: data } : { calibration: data },
    quantization: {
      ...(random.chance(0.5) ? { defaults: 'nncf' as const } : {}),
      preset: random.pick(['mixed', 'performance', null] as const),
      model_type: random.pick(['transformer', null] as const),
      fast_bias_correction: random.chance(0.8),
      advanced_parameters: {
        overflow_fix: random.pick(['enable', 'first_layer', 'auto', 'disable'] as const),
        quantize_outputs: random.chance(0.2),
        inplace_statistics: random.chance(0.7),
        backend_params: {
          threads: random.chance(0.1) ? 2 : 1,
          ...(random.chance(0.2) ? { external_data: true } : {}),
        },
      },
    },
    ...(measured
      ? { accuracy_control: { metric: random.pick(['sqnr', 'agreement', 'cosine']), max_drop: 0.01 } }
      : {}),
  };
}

/** An .npz with an array for each input that is not a weight. */
function samplesFor({ graph }: ModelProto, random: Random): Uint8Array {
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const members = graph.input
    .filter(({ name }) => !weights.has(name))
    .map(({ name, type }) => {
      const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined;
      const dims = (tensor?.shape?.dim ?? []).map(({ value }) =>
        value.case === 'dimValue' ? Number(value.value) : 1,
      );
      return [
        `${name}.npy`,
        randomNpy(
          tensor?.elemType === 9,
          [SAMPLES, ...(dims.length === 1 ? [] : dims[0] === 1 ? dims.slice(1) : dims)],
          random,
        ),
      ] as const;
    });
  return zipSync(Object.fromEntries(members));
}

function randomNpy(isFlag: boolean, shape: readonly number[], random: Random): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = isFlag
    ? Uint8Array.from({ length: count }, () => random.below(2))
    : new Uint8Array(Float32Array.from({ length: count }, () => random.below(2000) / 1000 - 1).buffer);

  return npyOf(isFlag ? '|b1' : '<f4', shape, values);
}
