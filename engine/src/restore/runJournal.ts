import { type Problem, type ResolvedConfig, type RunPaths, type RunRequest, TOOL } from '@quantsmith/schemas';
import { createHash } from 'node:crypto';
import type { SampleSource } from '../data/types.js';
import { modelSha256, type LoadedModel } from '@quantsmith/model/onnx';
import { runtimeVersion } from '../runtime/session.js';
import type { Validation } from '../validation/validation.js';
import { openJournal, type Journal } from './journal.js';

interface RunInputs {
  readonly paths: RunPaths;
  readonly loaded: LoadedModel;
  readonly calibration: SampleSource;
  readonly validation: Validation | null;
  readonly threads: number;
  readonly warn: (problems: readonly Problem[]) => void;
}

const NO_JOURNAL: Journal = { found: 0, of: (_, compute) => compute(), close: () => undefined };

/** The journal of a run with accuracy control, beside its output; only a run of the same config, model and data resumes. */
export async function openRunJournal(
  request: RunRequest,
  config: ResolvedConfig,
  inputs: RunInputs,
): Promise<Journal> {
  const { paths, validation, warn } = inputs;
  if (config.accuracy_control === null || validation === null) return NO_JOURNAL;
  const identity = await identityOf(config, inputs);
  const journal = openJournal(paths.journal, identity, request.resume === true, (reason) =>
    warn([
      {
        code: 'journal-not-written',
        severity: 'info',
        message: `${paths.journal} cannot be written (${reason}): a run that is interrupted begins anew.`,
        file: paths.journal,
      },
    ]),
  );
  if (request.resume === true && journal.found === 0) {
    warn([
      {
        code: 'nothing-to-resume',
        severity: 'info',
        message:
          'There is no interrupted run of this config, model and data to resume: this one begins anew.',
        file: paths.journal,
      },
    ]);
  }
  return journal;
}

async function identityOf(
  config: ResolvedConfig,
  { loaded, calibration, validation, threads }: RunInputs,
): Promise<string> {
  // Limits decide when a run ends, not what its evaluations give.
  const limited = { ...config.accuracy_control, time_limit: null };
  const parts = [
    TOOL.version,
    runtimeVersion(),
    threads,
    { ...config, accuracy_control: limited },
    await modelSha256(loaded),
    await calibration.fingerprint(),
    (await validation?.source.fingerprint()) ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
