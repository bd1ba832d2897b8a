import { EMULATED_CPUS, findEmulator, startEngine } from '@quantsmith/engine';
import { type EngineEnvironment, type Problem, TOOL } from '@quantsmith/schemas';
import { EXIT } from '../output/exitCodes.js';
import { problemText } from '../output/messages.js';
import { problemAsJson } from '../output/session.js';

import { printJson, printLines } from '../output/terminal.js';
/** What `quantsmith doctor` prints. */
interface Diagnosis {
  readonly quantsmith: string;
  readonly node: string;
  readonly platform: string;
  /** null: the engine does not start, and `problem` says why. */
  readonly engine: EngineEnvironment | null;
  readonly problem: Problem | null;
  /** What runs fast on this CPU, in sentences. */
  readonly speed: readonly string[];
  /** CPUs that `run --verify-isa` can emulate here. */
  readonly emulated: readonly string[];
}

/** `quantsmith doctor`: what is installed here, whether the engine starts, and what will be fast. */
export async function doctorCommand(options: { readonly json?: boolean }): Promise<number> {
  const diagnosis = await diagnose();

  if (options.json === true) printJson(asJson(diagnosis));
  else printLines(linesOf(diagnosis));

  return diagnosis.problem === null ? EXIT.ok : EXIT.internal;
}

/** As `quantsmith schema doctor` says. */
function asJson({ problem, ...rest }: Diagnosis) {
  return { schema_version: 1, ...rest, problem: problem === null ? null : problemAsJson(problem) };
}

async function diagnose(): Promise<Diagnosis> {
  const environments: EngineEnvironment[] = [];
  const outcome = await startEngine(
    { kind: 'environment' },
    { onEvent: (event) => event.type === 'environment' && environments.push(event.environment) },
  );

  const engine = environments[0] ?? null;

  return {
    quantsmith: TOOL.version,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    engine,
    problem: outcome.code === 'failed' ? outcome.problem : null,
    speed: engine === null ? [] : speedOf(engine.cpu),
    emulated: await emulatedHere(),
  };
}

async function emulatedHere(): Promise<string[]> {
  const cpus = Object.keys(EMULATED_CPUS) as (keyof typeof EMULATED_CPUS)[];
  const checked = await Promise.all(
    cpus.map((cpu) =>
      findEmulator(cpu).then(
        () => [cpu],
        () => [],
      ),
    ),
  );

  return checked.flat();
}

/** What ONNX Runtime's integer kernels do with this CPU's instruction sets. */
export function speedOf({ arch, isa }: EngineEnvironment['cpu']): string[] {
  const has = (name: string) => isa.includes(name);
  if (isa.length === 0)
    return [
      'The instruction sets of this CPU cannot be read on this system: the report of a run has measured latencies.',
    ];
  if (arch === 'arm64') {
    return [
      has('neon_i8mm')
        ? '8-bit products run on matrix instructions (i8mm): fast.'
        : has('neon_dot')
          ? '8-bit products run on dot-product instructions: fast.'
          : '8-bit products have no dedicated instruction: int8 saves size but gains little speed.',
      'Sums are exact: overflow_fix is not needed for this CPU.',
    ];
  }

  if (has('avx512_vnni') || has('avx_vnni')) {
    return [
      `8-bit products run on ${has('amx') ? 'AMX tiles and VNNI' : 'VNNI'}: convolutions and matrix products are fast.`,
      'Sums are exact here. On x86 CPUs without VNNI 16-bit sums can saturate: overflow_fix is for those.',
    ];
  }

  return [
    has('avx2')
      ? '8-bit products run on AVX2 without VNNI: usually faster than float, but by less.'
      : '8-bit products have no fast instructions here: int8 saves size but gains little speed.',
    '16-bit sums can saturate on this CPU: leave overflow_fix on; `quantsmith overflow` shows the layers.',
  ];
}

function linesOf({ quantsmith, node, platform, engine, problem, speed, emulated }: Diagnosis): string[] {
  const rows: [string, string][] = [
    ['quantsmith', quantsmith],
    ['node', node],
    ['platform', platform],
  ];

  if (engine !== null) {
    const { runtime, images, cpu, threads, cache } = engine;
    rows.push(
      ['runtime', `${runtime.name} ${runtime.version}`],
      ['images', `${images.name} ${images.version}`],
      ['cpu', `${cpu.model}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`],
      ['instructions', cpu.isa.length === 0 ? 'not known' : cpu.isa.join(', ')],
      ['cache', `${cache.dir}, ${(cache.bytes / 1e6).toFixed(1)} MB`],
    );
  }

  rows.push([
    'emulated',
    emulated.length === 0 ? 'none (--verify-isa needs qemu-user)' : emulated.join(', '),
  ]);

  return [
    ...rows.map(([name, value]) => `${name.padEnd(13)} ${value}`),
    '',
    ...(problem === null ? speed : [problemText(problem), remedy(platform)]),
  ];
}

function remedy(platform: string): string {
  if (platform === 'darwin-x64')
    return 'ONNX Runtime no longer has a build for Macs with Intel CPUs: run Quantsmith in a Linux container there.';
  return 'ONNX Runtime and sharp are native, one package per platform: install again on this platform, without --omit=optional.';
}
