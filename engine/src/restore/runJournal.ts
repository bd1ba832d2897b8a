import { type Problem, type RunPaths, type RunRequest, TOOL } from '@quantsmith/schemas';
import { sha256 } from '@quantsmith/model/files';
import type { SampleSource } from '../data/types.js';
import { modelSha256, type LoadedModel } from '@quantsmith/model/onnx';
import { runtimeVersion } from '../runtime/session.js';
import type { Validation } from '../validation/validation.js';
import { openJournal, type Journal } from './journal.js';

interface RunInputs {
  /** Whether accuracy control may have to restore accuracy. */
  readonly restores: boolean;
  /** The settings that decide what evaluations give. */
  readonly settings: unknown;
  readonly paths: RunPaths;
  readonly loaded: LoadedModel;
  readonly calibration: SampleSource;
  readonly validation: Validation | null;
  readonly threads: number;
  readonly warn: (problems: readonly Problem[]) => void;
}

/** Keeps nothing. */
export const NO_JOURNAL: Journal = { found: 0, of: (_, compute) => compute(), close: () => undefined };

/** The journal of a run with accuracy control, beside its output; only a run of the same config, model and data resumes. */
export async function openRunJournal(request: RunRequest, inputs: RunInputs): Promise<Journal> {
  const { paths, warn } = inputs;
  if (!inputs.restores) return NO_JOURNAL;
  const identity = await identityOf(inputs);
  const journal = openJournal(paths.journal, identity, request.resume === true, (reason) =>
    warn([
      {
        code: 'journal-not-written',
        severity: 'info',
        message: `${paths.journal} cannot be written (${reason}): an interrupted run cannot be resumed.`,
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
          'There is no interrupted run of this config, model and data to resume: starting from the beginning.',
        file: paths.journal,
      },
    ]);
  }

  return journal;
}

async function identityOf({
  settings,
  loaded,
  calibration,
  validation,
  threads,
}: RunInputs): Promise<string> {
  const parts = [
    TOOL.version,
    runtimeVersion(),
    threads,
    settings,
    await modelSha256(loaded),
    await calibration.fingerprint(),
    (await validation?.source.fingerprint()) ?? null,
    validation?.metric.identity ?? null,
  ];

  return sha256(JSON.stringify(parts));
}
