import {
  type EmulatedCpu,
  type Emulator,
  type EngineOutcome,
  findEmulator,
  startEngine,
} from '@quantsmith/engine';
import { type EvaluateRequest, type ModelEvaluation, QuantsmithError } from '@quantsmith/schemas';
import { metricValue } from '@quantsmith/report';
import { checkConfigFile } from '@quantsmith/server';
import { EXIT, exitCodeOf } from './exit.js';
import { createProgress } from './progress.js';

/** The emulator of a CPU, or the exit code when there is none, with the reason on standard error. */
export async function emulatorFor(cpu: EmulatedCpu): Promise<Emulator | number> {
  try {
    return await findEmulator(cpu);
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    console.error(`error: ${error.message} [${error.problem.code}]`);
    return EXIT.usage;
  }
}

/**
 * Runs a model on this CPU and on an emulated one over the config's samples, and says on standard error how the answers
 * compare. Returns the exit code of a failure, else null.
 */
export async function verifyOnCpu(
  { config, model: modelPath }: { readonly config: string; readonly model: string },
  cpu: EmulatedCpu,
  emulator: Emulator,
  allowModules: boolean,
): Promise<number | null> {
  const checked = await checkConfigFile(config);
  if (checked.config === null) return EXIT.config;
  const request: EvaluateRequest = {
    kind: 'evaluate',
    config: checked.config,
    configPath: checked.path,
    configSha256: checked.sha256,
    allowModules,
    modelPath,
  };
  const here = await evaluate(request);
  if (typeof here === 'number') return here;
  const there = await evaluate(request, emulator);
  if (typeof there === 'number') return there;
  console.error(comparison(cpu, here, there));
  return null;
}

async function evaluate(request: EvaluateRequest, emulator?: Emulator): Promise<ModelEvaluation | number> {
  const progress = createProgress(process.stderr);
  let evaluation: ModelEvaluation | null = null;
  const outcome: EngineOutcome = await startEngine(request, {
    onEvent(event) {
      if (event.type === 'progress') progress.update(event);
      else if (event.type === 'evaluated') evaluation = event.evaluation;
    },
    ...(emulator === undefined ? {} : { emulator }),
  });
  progress.end();
  if (outcome.code === 'failed') {
    console.error(`error: ${outcome.problem.message} [${outcome.problem.code}]`);
    return exitCodeOf(outcome.problem);
  }
  return evaluation ?? EXIT.internal;
}

/** One line: how many outputs are equal to the bit, and the metric on both CPUs. */
export function comparison(cpu: string, here: ModelEvaluation, there: ModelEvaluation): string {
  const total = here.outputs.length;
  const equal = here.outputs.filter((hash, index) => hash === there.outputs[index]).length;
  const outputs =
    equal === total
      ? `the outputs of all ${total} samples are equal to the bit`
      : `the outputs of ${equal} of ${total} samples are equal to the bit`;
  if (here.metric === null || there.metric === null) return `${cpu}: ${outputs}`;
  const { name } = here.metric;
  return `${cpu}: ${name} ${metricValue(name, there.metric.value)}, here ${metricValue(name, here.metric.value)}; ${outputs}`;
}
