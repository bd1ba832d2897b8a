import { create } from '@bufbuild/protobuf';
import {
  type ModelProto,
  StringStringEntryProtoSchema,
  writeModel,
  type WriteOptions,
  type WrittenModel,
} from '@quantsmith/model/onnx';
import { readText, systemReason, writeSynced } from '@quantsmith/model/files';
import {
  append,
  externalDataName,
  fail,
  MODEL_KEY,
  outputFiles,
  QuantsmithError,
  type RunPaths,
  TOOL,
  type ConfigPath,
} from '@quantsmith/schemas';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commitOutput, isCommitHalfMoved, STAGED } from './commit.js';
import { outputFacts } from './facts.js';
import { takeLock } from './lock.js';
import { outputObstacle } from './obstacle.js';
import { recoverFolder } from './recover.js';

/** An output that this run has for itself, until it is released. */
export interface Output {
  /** Files that turned out to be read, too: throws `output-unusable` where the output would replace one. */
  readonly spare: (inputs: readonly string[]) => Promise<void>;
  /** Writes the model where nobody sees it yet. */
  readonly stageModel: (
    model: ModelProto,
    options: Pick<WriteOptions, 'sourceDir' | 'externalData'>,
  ) => Promise<WrittenModel>;
  /** Model, external data and report appear together. Throws `write-failed`, and then none of them has. */
  readonly publish: (reportText: string, model: WrittenModel) => Promise<void>;
  /** Lets go of the output; what was staged and not published is removed. */
  readonly release: () => Promise<void>;
}

interface Claim {
  /** Files that the run reads. */
  readonly inputs: readonly string[];
  /** Replace files that this tool has not written. */
  readonly force: boolean;
  /** Where in the config the output is named, for problems. */
  readonly configPath?: ConfigPath;
}

/**
 * Takes an output for this run, before anything is computed: ends what killed runs have left in its folder, makes sure that
 * nothing is replaced that may not be, and locks it. Throws `output-unusable` and `output-busy`.
 */
export async function claimOutput(paths: RunPaths, { inputs, force, configPath }: Claim): Promise<Output> {
  const { output, report, journal, staging } = paths;
  const files = { output, report, journal, staging };
  const refuseUnusable = async (read: readonly string[]) => {
    const obstacle = outputObstacle(await outputFacts(files, read), force);
    if (obstacle === null) return;
    const where = { file: output, ...(configPath === undefined ? {} : { configPath }) };
    fail('output-unusable', `The output ${output} ${obstacle}.`, where);
  };

  await recoverFolder(dirname(output), outputFiles);
  await refuseUnusable(inputs);
  const spared = [...inputs];
  const lock = await takeLock(staging, output).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const where = { file: output, ...(configPath === undefined ? {} : { configPath }) };
    return fail('output-unusable', `The output ${output} cannot be written: ${systemReason(error)}.`, where);
  });

  let isHalfMoved = false;

  return {
    async spare(others) {
      await refuseUnusable(others);
      append(spared, others);
    },
    stageModel: (model, options) =>
      writeModel(marked(model), join(staging, STAGED.model), {
        ...options,
        data: {
          path: join(staging, STAGED.data),
          nameFor: (sha256) => externalDataName(output, sha256),
        },
      }).catch((error: unknown) => failedAt(output, error)),
    async publish(reportText, { dataName }) {
      try {
        await writeSynced(join(staging, STAGED.report), reportText);
      } catch (error) {
        failedAt(report, error);
      }

      await commitOutput(files, dataName, spared).catch((error: unknown) => {
        isHalfMoved = isCommitHalfMoved(files);
        throw error;
      });
    },
    release: () => lock.release(isHalfMoved),
  };
}

/**
 * Changes a report that is there, as a whole or not at all; null leaves it as it is. Throws `output-busy` while a run writes
 * the output, and `write-failed`.
 */
export async function editReport(paths: RunPaths, edit: (text: string) => string | null): Promise<void> {
  const { output, report, staging } = paths;
  if ((await readText(report).catch(() => null)) === null) return;
  const lock = await takeLock(staging, output).catch((error: unknown) => failedAt(report, error));
  try {
    const text = edit(await readText(report));
    if (text === null) return;
    await writeSynced(join(staging, STAGED.report), text);
    await rename(join(staging, STAGED.report), report);
  } catch (error) {
    failedAt(report, error);
  } finally {
    await lock.release();
  }
}

/** The model with the key by which a later run knows that it may replace it. */
export function marked(model: ModelProto): ModelProto {
  const others = model.metadataProps.filter(({ key }) => key !== MODEL_KEY);
  const mark = create(StringStringEntryProtoSchema, { key: MODEL_KEY, value: TOOL.version });
  return { ...model, metadataProps: [...others, mark] };
}

/** A failure of the file system, said of the file that was meant and not of the one beside it. */
function failedAt(path: string, error: unknown): never {
  const isKnown = error instanceof QuantsmithError;
  if (isKnown && error.problem.code !== 'write-failed') throw error;
  if (!isKnown && !(error instanceof Error && 'code' in error)) throw error;
  // The system names the staged file; people know the one that it would have become.
  const reason = isKnown ? String(error.problem.data?.['reason']) : systemReason(error);
  return fail('write-failed', `${path} cannot be written: ${reason}.`, { file: path });
}
