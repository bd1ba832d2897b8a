import { type EmulatedCpu, type Emulator, findEmulator, startEngine } from '@quantsmith/engine';
import { type EvaluateRequest, fail, type ModelEvaluation, QuantsmithError } from '@quantsmith/schemas';
import { metricValue } from '@quantsmith/report';
import { checkConfigFile } from '@quantsmith/server';
import type { Session } from '../output/session.js';

/** The emulator of a CPU. Throws `emulator-missing`. */
export function emulatorFor(cpu: EmulatedCpu): Promise<Emulator> {
  return findEmulator(cpu);
}

interface Verification {
  readonly cpu: EmulatedCpu;
  readonly emulator: Emulator;
  readonly allowModules: boolean;
}

/**
 * Runs a model on this CPU and on an emulated one over the config's samples, and says on standard error how the answers
 * compare.
 */
export async function verifyOnCpu(
  { config, model: modelPath }: { readonly config: string; readonly model: string },
  { cpu, emulator, allowModules }: Verification,
  session: Session,
): Promise<void> {
  const checked = await checkConfigFile(config);
  if (checked.config === null) return fail('config-invalid', `${config} is no longer valid.`);
  const request: EvaluateRequest = {
    kind: 'evaluate',
    config: checked.config,
    configPath: checked.path,
    configSha256: checked.sha256,
    allowModules,
    modelPath,
  };

  const native = await evaluate(request, session);
  const emulated = await evaluate(request, session, emulator);
  session.messages.note(comparison(cpu, native, emulated));
}

async function evaluate(
  request: EvaluateRequest,
  { messages: { progress } }: Session,
  emulator?: Emulator,
): Promise<ModelEvaluation> {
  const evaluations: ModelEvaluation[] = [];
  const outcome = await startEngine(request, {
    onEvent(event) {
      if (event.type === 'progress') progress.update(event);
      else if (event.type === 'evaluated') evaluations.push(event.evaluation);
    },
    ...(emulator === undefined ? {} : { emulator }),
  });

  progress.end();
  if (outcome.code === 'failed') throw new QuantsmithError(outcome.problem);

  return evaluations[0] ?? fail('engine-crashed', 'The engine ended without a result.');
}

/** One line: how many outputs are bit-identical, and the metric on both CPUs. */
export function comparison(cpu: string, native: ModelEvaluation, emulated: ModelEvaluation): string {
  const total = native.outputs.length;
  const equal = native.outputs.filter((hash, index) => hash === emulated.outputs[index]).length;
  const outputs =
    equal === total
      ? `the outputs of all ${total} samples are bit-identical`
      : `the outputs of ${equal} of ${total} samples are bit-identical`;

  const { name } = native.metric;

  return `${cpu}: ${name} ${metricValue(name, emulated.metric.value)}, here ${metricValue(name, native.metric.value)}; ${outputs}`;
}
