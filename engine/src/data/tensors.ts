import { fromBinary } from '@bufbuild/protobuf';
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import {
  type TensorProto,
  TensorProtoSchema,
  dataTypeName,
  rawBytes,
  readFloats,
} from '@quantsmith/model/onnx';
import { whyUnreadable } from '@quantsmith/model/files';
import { fail, QuantsmithError, tableOf, type ConfigPath, reasonOf } from '@quantsmith/schemas';
import { TYPED_ARRAYS, type HostTensor, type TensorTypeName } from '@quantsmith/model/arrays';
import { readInput } from './input.js';
import { openSectionLabels } from './labels/section.js';
import { placementOfFeeds } from './imagePlacement.js';
import type { DataContext, DataSection, SampleSource } from './types.js';

/** ONNX test data: folders with input_0.pb, input_1.pb, …; the path itself may be one such folder. */
export async function openTensors(
  path: string,
  section: DataSection,
  context: DataContext,
): Promise<SampleSource> {
  const configPath = [...context.configPath, 'tensors'] as const;
  const where = { file: path, configPath };
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory() !== true) {
    const why = info === null ? 'does not exist' : 'is not a folder';
    fail('data-not-found', `The tensor folder ${path} ${why}.`, where);
  }

  const sets = await listSets(path).catch((error: unknown) =>
    fail('data-not-found', `The tensor folder ${path} ${whyUnreadable(error)}.`, where),
  );
  const names = sets.map((set) => relative(path, set.dir) || '.');
  const labels = await openSectionLabels(section, names, context);

  return {
    count: sets.length,
    hasLabels: labels !== null,
    classes: labels?.classes ?? null,
    async get(index) {
      const { files } = sets[index]!;
      const tensors = await Promise.all(files.map((file) => readTensor(file, configPath)));
      const feeds = tableOf<HostTensor>();
      tensors.forEach((tensor, position) => {
        const byName = context.inputs.find((input) => input.name === tensor.name);
        const input = byName ?? context.inputs[position];
        if (input !== undefined) feeds[input.name] = hostTensor(tensor, dirname(files[position]!));
      });

      return {
        name: names[index]!,
        feeds,
        label: (await labels?.at(index, placementOfFeeds(feeds))) ?? null,
      };
    },
    async fingerprint() {
      const hash = createHash('sha256').update(
        JSON.stringify({ names, labels: (await labels?.content()) ?? null }),
      );

      for (const { files } of sets)
        for (const file of files) hash.update(await tensorBytes(file, configPath));
      return hash.digest('hex');
    },
  };
}

interface TestSet {
  readonly dir: string;
  /** In the order of their numbers. */
  readonly files: readonly string[];
}

/** What a folder of ONNX test data holds, as far as it is told without a run. */
export interface TensorFolder {
  /** The sets, by their folders below it. */
  readonly names: readonly string[];
  /** The inputs in the first set, in their order; null: not known. */
  readonly first:
    readonly { readonly name: string; readonly type: string; readonly dims: readonly number[] }[] | null;
  /** Why the first set cannot be read, as a sentence. */
  readonly problem: string | null;
}

/** Looks into a folder of ONNX test data. `maxBytes`: larger tensor files are not read. null: there are more than `maxFolders`. */
export async function tensorFolder(
  path: string,
  { maxFolders, maxBytes }: { readonly maxFolders: number; readonly maxBytes: number },
): Promise<TensorFolder | null> {
  if ((await subfolders(path)).length > maxFolders) return null;
  const sets = await listSets(path);
  const names = sets.map(({ dir }) => relative(path, dir) || '.');
  const files = sets[0]?.files ?? [];
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  if (files.length === 0 || sizes.some((size) => size > maxBytes))
    return { names, first: null, problem: null };
  try {
    const tensors = await Promise.all(files.map((file) => readTensor(file, ['data'])));
    const first = tensors.map(({ name, dataType, dims }) => ({
      ...{ name, type: dataTypeName(dataType) },
      dims: dims.map(Number),
    }));

    return { names, first, problem: null };
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    return { names, first: null, problem: error.problem.message };
  }
}

async function listSets(path: string): Promise<TestSet[]> {
  const folders = [path, ...(await subfolders(path)).map((name) => join(path, name))];
  const sets: TestSet[] = [];
  for (const dir of folders) {
    const files = (await readdir(dir))
      .flatMap((name) => {
        const match = /^input_(\d+)\.pb$/.exec(name);
        return match === null ? [] : [{ number: Number(match[1]), file: join(dir, name) }];
      })
      .sort((a, b) => a.number - b.number)
      .map(({ file }) => file);

    if (files.length > 0) sets.push({ dir, files });
  }

  return sets;
}

async function subfolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  // test_data_set_10 comes after test_data_set_9.
  return names.sort(new Intl.Collator('en', { numeric: true }).compare);
}

const tensorBytes = (path: string, configPath: ConfigPath) =>
  readInput({ path, what: 'The tensor file', code: 'tensor-file-invalid', configPath });

async function readTensor(file: string, configPath: ConfigPath): Promise<TensorProto> {
  const bytes = await tensorBytes(file, configPath);
  try {
    return fromBinary(TensorProtoSchema, bytes);
  } catch (error) {
    const reason = reasonOf(error);
    return fail('tensor-file-invalid', `${file} is not an ONNX tensor: ${reason}.`, { file, configPath });
  }
}

/** A tensor of a file as a runtime tensor. */
function hostTensor(tensor: TensorProto, dir: string): HostTensor {
  const type = dataTypeName(tensor.dataType) as TensorTypeName;
  const dims = tensor.dims.map(Number);
  if (type === 'float32') return { type, dims, data: readFloats(tensor, dir) };
  if (type === 'string')
    return { type, dims, data: tensor.stringData.map((bytes) => new TextDecoder().decode(bytes)) };
  const buffer = new Uint8Array(rawBytes(tensor, dir)).buffer;
  return { type, dims, data: new TYPED_ARRAYS[type](buffer) };
}
