import { defaultMetric, metricFacts, type LabelKind, type QuantizationConfig } from '@quantsmith/schemas';
import {
  isMapping,
  namedPaths,
  NO_SECTION_FACTS,
  type ArrayFacts,
  type ArrayHeader,
  type ImageFacts,
  type LabelVerdict,
  type NamedPath,
  type SectionFacts,
} from '@quantsmith/service';
import { basename, join, resolve } from 'node:path';
import type { ArchiveFacts } from './arrays.js';
import type { WavFacts } from './audio.js';
import type { SampleFiles } from './folders.js';
import type { Patience } from './patience.js';
import type { Sources } from './sources.js';
import type { SampleNames } from './verdict.js';

/** What a config says, and where it lies. */
export interface Meant {
  readonly value: unknown;
  /** null: the value is not valid. */
  readonly config: QuantizationConfig | null;
  readonly baseDir: string;
}

type SectionName = 'calibration' | 'validation';

/** What can be known of a data section's files, within bounds. */
export async function gatherSection(
  meant: Meant,
  section: SectionName,
  sources: Sources,
  patience: Patience,
): Promise<SectionFacts> {
  const { value, baseDir } = meant;
  const named = namedPaths(value, baseDir).filter(({ path }) => path[0] === 'data' && path[1] === section);
  const files = await gatherFiles(named, section, sources, patience);
  const { folder, sounds, images, audio, tensors, array, archive, labels, text, tokenizer } = files;

  const header = headerIn(array);
  const members = archive !== null && 'members' in archive ? archive.members : null;
  const rows = rowsIn(array, archive);
  const total =
    images?.count ?? audio?.count ?? tensors?.names.length ?? text?.count ?? rows?.shape[0] ?? null;
  const samples = images?.names ?? audio?.names ?? tensors?.names ?? rows?.shape[0] ?? null;
  const [first] = images?.names ?? [];
  const [firstSound] = audio?.names ?? [];
  const [image, wav, verdict] = await Promise.all([
    folder === undefined || first === undefined
      ? null
      : patience.soon(sources.image(await fileIn(folder, first, sources)), null),
    sounds === undefined || firstSound === undefined
      ? null
      : patience.soon(sources.wav(await fileIn(sounds, firstSound, sources)), null),
    patience.soon(verdictOf(meant, section, samples, images ?? audio, sources), null),
  ]);

  return {
    ...NO_SECTION_FACTS,
    // How many windows a file of audio has, only a run finds out.
    samples: audio === null ? limited(total, value, section) : null,
    total,
    array: header,
    arrayProblem: problemIn(array) ?? problemIn(archive),
    members,
    tensors,
    image: image?.size ?? null,
    audio: wav === null || firstSound === undefined || !('rate' in wav) ? null : { ...wav, name: firstSound },
    unreadable:
      imageProblem(named, first, image) ?? tensors?.problem ?? text?.problem ?? soundProblem(named, wav),
    tokenizerProblem: tokenizer,
    labels,
    verdict,
  };
}

/** What each of the files that a section names says of itself; null: not named, or not known in time. */
async function gatherFiles(
  named: readonly NamedPath[],
  section: SectionName,
  sources: Sources,
  patience: Patience,
) {
  const fileOf = (key: string, extension = /(?:)/) =>
    named.find(({ path, file }) => path.at(-1) === key && extension.test(file))?.file;
  const about = async <T>(file: string | undefined, ask: (file: string) => Promise<T>): Promise<T | null> =>
    file === undefined ? null : patience.soon<T | null>(ask(file), null);

  const [folder, sounds] = [fileOf('images'), fileOf('audio')];
  const labels = fileOf('labels');
  const texts = named.find(({ path }) => path.at(-1) === 'texts');
  const judgeTexts = (path: string) =>
    sources.judgeTexts({ written: texts?.written ?? path, path, classes: fileOf('classes') ?? null });
  const [images, audio, tensors, array, archive, listed, folders, text, tokenizer] = await Promise.all([
    about(folder, sources.images),
    about(sounds, sources.audio),
    about(fileOf('tensors'), sources.tensors),
    // As a run tells them apart.
    about(fileOf('arrays', /(?<!\.npz)$/), sources.array),
    about(fileOf('arrays', /\.npz$/), sources.archive),
    about(labels, sources.labels),
    section === 'validation' && labels === undefined ? about(folder, sources.classFolders) : null,
    about(texts?.file, judgeTexts),
    about(fileOf('tokenizer'), sources.tokenizer),
  ]);

  return {
    ...{ folder, sounds, images, audio, tensors, array, archive, text, tokenizer },
    labels: listed ?? folders,
  };
}

/** Why the first image cannot be decoded, with its place as the config writes it. */
function imageProblem(
  named: readonly NamedPath[],
  name: string | undefined,
  image: ImageFacts | null,
): string | null {
  if (image === null || image.problem === null) return null;
  const { written = '', file = '' } = named.find(({ path }) => path.at(-1) === 'images') ?? {};
  const isFile = name !== undefined && basename(file) === name;
  return `"${isFile ? written : join(written, name ?? '')}" ${image.problem}.`;
}

/** Why the first audio file cannot be read, with its place as the config writes it. */
function soundProblem(named: readonly NamedPath[], wav: WavFacts | null): string | null {
  const { written = '', file = '' } = named.find(({ path }) => path.at(-1) === 'audio') ?? {};
  return wav?.problem?.replace(file, written) ?? null;
}

const headerIn = (array: ArrayFacts | null) => (array !== null && 'shape' in array ? array : null);

/** The header whose first axis is the samples: that of an array, or of the first one in an archive. */
function rowsIn(array: ArrayFacts | null, archive: ArchiveFacts | null): ArrayHeader | null {
  const members = archive !== null && 'members' in archive ? [...archive.members.values()] : [];
  return headerIn(array) ?? members[0] ?? null;
}

/** How many samples an array file holds; null: it does not tell. */
export async function sampleCount(
  path: string,
  sources: Pick<Sources, 'array' | 'archive'>,
): Promise<number | null> {
  const rows = path.endsWith('.npz')
    ? rowsIn(null, await sources.archive(path))
    : rowsIn(await sources.array(path), null);

  return rows?.shape[0] ?? null;
}

/** More samples of an array than that have their labels read by a run only. */
const MAX_NUMBERED = 20_000;

const problemIn = (facts: ArrayFacts | ArchiveFacts | null): string | null =>
  facts !== null && 'problem' in facts ? facts.problem : null;

/** A section may name one file instead of a folder. */
const fileIn = async (path: string, name: string, sources: Sources) =>
  (await sources.kind(path)) === 'file' ? path : join(path, name);

/** What a run will say of the labels that accuracy is measured with; null: not known, or there are none to judge. */
async function verdictOf(
  { config, baseDir }: Meant,
  section: SectionName,
  samples: SampleNames | null,
  files: SampleFiles | null,
  sources: Sources,
): Promise<LabelVerdict | null> {
  if (section !== 'validation' || samples === null || config === null) return null;
  const count = typeof samples === 'number' ? samples : samples.length;
  if (count === 0 || (typeof samples === 'number' && count > MAX_NUMBERED)) return null;
  const { labels = null, classes = null } = config.data.validation ?? {};
  if (labels === null && files === null) return null;

  return sources.judgeLabels({
    samples,
    labels: labels === null ? null : { written: labels, path: resolve(baseDir, labels) },
    classes: classes === null ? null : resolve(baseDir, classes),
    kind: labelKindOf(config.accuracy_control?.metric, config.task?.type ?? null),
  });
}

function labelKindOf(metric: string | undefined, task: string | null): LabelKind | null {
  return metricFacts(metric ?? defaultMetric(task))?.labels ?? null;
}

/** The samples that are used of those that are there. */
function limited(samples: number | null, value: unknown, section: string): number | null {
  const limit = ['data', section, 'limit'].reduce<unknown>(
    (current, key) => (isMapping(current) ? current[key] : null),
    value,
  );

  return samples === null || typeof limit !== 'number' ? samples : Math.min(samples, limit);
}
