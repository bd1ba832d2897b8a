import { outputFacts, type OutputFacts } from '@quantsmith/engine';
import { inspectModel, refuseMissingData } from '@quantsmith/model/onnx';
import { QuantsmithError, type ModelSummary, type OutputFiles, reasonOf } from '@quantsmith/schemas';
import {
  createModelIndex,
  parseConfig,
  unreadConfig,
  type ArrayFacts,
  type ConfigDocument,
  type EntryKind,
  type FolderEntry,
  type ImageFacts,
  type LabelFacts,
  type ModelIndex,
  type ReadConfig,
  type TensorFacts,
} from '@quantsmith/service';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { archiveFacts, arrayFacts, type ArchiveFacts } from './arrays.js';
import { wavFacts, type WavFacts } from './audio.js';
import { cachedByFile, cachedLook, cachedQuestion, cachedWalk } from './cached.js';
import { contentHash, createDataContent, type ContentHash } from './content.js';
import { configNames, latestChange, listAudio, listFiles, listImages, type SampleFiles } from './folders.js';
import { imageFacts } from './imageSize.js';
import { classFolderFacts, readLabelArray, readLabelFacts, readLabelText, yoloFacts } from './labels.js';
import { entriesOf, lookAt, textOf } from './look.js';
import { loadReport, type LoadedReport } from './reports.js';
import { readTensorFolder } from './tensors.js';
import { createTextJudge, readTokenizerProblem, type JudgeTexts } from './texts.js';
import { createLabelJudge, type JudgeLabels } from './verdict.js';

interface LoadedSummary {
  readonly model: ModelSummary | null;
  readonly index: ModelIndex | null;
  /** Why it could not be read; null also when there is no file (another rule says so), or it is too large to look into. */
  readonly problem: string | null;
}

/** A model's structure with its tensors, or why it could not be read. */
type LoadedStructure =
  | { readonly model: ModelSummary; readonly problem: null }
  | { readonly model: null; readonly problem: string };

const NO_MODEL: LoadedSummary = { model: null, index: null, problem: null };

/** What the server reads beside open configs, once for each state of a file. null: it is not there, or not known. */
export interface Sources {
  readonly model: (path: string) => Promise<LoadedSummary>;
  /** For a reader who looks at the model itself: larger ones, and with the shapes of tensors. */
  readonly structure: (path: string) => Promise<LoadedStructure | null>;
  readonly report: (path: string) => Promise<LoadedReport | null>;
  readonly config: ReadConfig;
  readonly kind: (path: string) => Promise<EntryKind>;
  readonly entries: (folder: string, maxEntries?: number) => Promise<readonly FolderEntry[] | null>;
  /** The entries of a folder as they were a moment ago. */
  readonly beside: (folder: string) => Promise<readonly FolderEntry[] | null>;
  readonly images: (path: string) => Promise<SampleFiles | null>;
  readonly audio: (path: string) => Promise<SampleFiles | null>;
  readonly wav: (path: string) => Promise<WavFacts | null>;
  /** What lies where an output goes; `inputs` are the files that the run reads. */
  readonly output: (files: OutputFiles, inputs: readonly string[]) => Promise<OutputFacts>;
  /** The names of the configs in a folder. */
  readonly configNames: (folder: string) => Promise<readonly string[]>;
  readonly image: (path: string) => Promise<ImageFacts | null>;
  readonly tensors: (path: string) => Promise<TensorFacts | null>;
  readonly array: (path: string) => Promise<ArrayFacts | null>;
  readonly archive: (path: string) => Promise<ArchiveFacts | null>;
  /** Of a file, or of a folder of YOLO files. */
  readonly labels: (path: string) => Promise<LabelFacts | null>;
  /** What the folders of an image folder say as classes. */
  readonly classFolders: (path: string) => Promise<LabelFacts | null>;
  readonly judgeLabels: JudgeLabels;
  readonly judgeTexts: JudgeTexts;
  /** Why a file is no tokenizer. */
  readonly tokenizer: (path: string) => Promise<string | null>;
  /** The hash of a file's content; null: not known. */
  readonly content: (path: string) => Promise<ContentHash | null>;
  /** The hash of what some files and folders hold, found out once for each state of them; null: not known. */
  readonly dataContent: (paths: readonly string[]) => Promise<string | null>;
  /** Milliseconds of the latest change of a file or below a folder; 0: nothing is there. */
  readonly changed: (path: string) => Promise<number | null>;
  /** Files are known to have changed: none is taken for what it was a moment ago. */
  readonly forget: () => void;
}

const MAX_CONFIGS = 500;
/** Nodes, constants and inputs of a model that is looked into: summing up more would hold up answers. */
const MAX_MODEL_PARTS = 40_000;
/** The same of a model that somebody looks at: nothing waits for it but its page. */
const MAX_VIEWED_PARTS = 400_000;
/** Models whose structure with its tensors is kept: two are seen side by side. */
const MAX_VIEWED = 4;
/** Bytes of a config that is checked by itself. */
export const MAX_CONFIG_BYTES = 64 * 1024 ** 2;
/** Bytes of a config that others extend, or that is not open: parsing more would hold up answers. */
const MAX_EXTENDED_BYTES = 256 * 1024;
const MAX_LISTED = 1000;

/** What was read, by kind of file. */
const createCaches = () => ({
  model: cachedByFile(loadModel),
  structure: cachedByFile(loadStructure, MAX_VIEWED),
  report: cachedByFile(loadReport),
  config: cachedByFile(loadConfig, MAX_CONFIGS),
  array: cachedByFile((path) => arrayFacts(path).catch(() => null)),
  archive: cachedByFile((path) => archiveFacts(path).catch(() => null)),
  labels: cachedByFile((path) => readLabelFacts(path).catch(() => null)),
  labelText: cachedByFile((path) => readLabelText(path).catch(() => null)),
  labelFolder: cachedWalk(yoloFacts),
  classFolders: cachedWalk(classFolderFacts),
  image: cachedByFile((path) => imageFacts(path).catch(() => null)),
  labelArray: cachedByFile((path) => readLabelArray(path).catch(() => null)),
  tokenizer: cachedByFile((path) => readTokenizerProblem(path).catch(() => null)),
  images: cachedWalk(listImages),
  audio: cachedWalk(listAudio),
  wav: cachedByFile((path) => wavFacts(path).catch(() => null)),
  files: cachedWalk(listFiles),
  content: cachedByFile((path) => contentHash(path).catch(() => null)),
  changed: cachedWalk(latestChange),
  kind: cachedLook(lookAt),
  beside: cachedLook((folder) => entriesOf(folder, MAX_LISTED)),
  tensors: cachedWalk(readTensorFolder),
  configNames: cachedLook(configNames),
  output: cachedQuestion(outputFacts),
});

/** `open`: configs as an editor has them, which count for more than their files. */
export function createSources(open: (path: string) => ConfigDocument | null = () => null): Sources {
  const caches = createCaches();
  const { kind, labelText, labelArray, files } = caches;

  return {
    model: async (path) => (await caches.model.load(path)) ?? NO_MODEL,
    structure: caches.structure.load,
    report: caches.report.load,
    config: async (path) => open(path) ?? (await caches.config.load(path)) ?? specialConfig(path),
    kind: kind.load,
    entries: (folder, maxEntries = MAX_LISTED) => entriesOf(folder, maxEntries),
    beside: caches.beside.load,
    images: caches.images.load,
    image: caches.image.load,
    tensors: caches.tensors.load,
    audio: caches.audio.load,
    wav: caches.wav.load,
    configNames: caches.configNames.load,
    output: caches.output.load,
    array: caches.array.load,
    archive: caches.archive.load,
    labels: async (path) => (await caches.labels.load(path)) ?? caches.labelFolder.load(path),
    classFolders: caches.classFolders.load,
    judgeLabels: createLabelJudge({
      ...{ kind: kind.load, labelText: labelText.load, labelArray: labelArray.load, files: files.load },
    }),
    judgeTexts: createTextJudge(labelText.load),
    tokenizer: caches.tokenizer.load,
    content: caches.content.load,
    dataContent: createDataContent(caches.changed.load),
    changed: caches.changed.load,
    forget() {
      for (const { forget } of Object.values(caches)) forget();
    },
  };
}

async function loadModel(path: string): Promise<LoadedSummary> {
  try {
    const model = await inspectModel(path, { maxParts: MAX_MODEL_PARTS });
    const index = createModelIndex(model);
    for (const make of index.pieces) {
      await new Promise((resolve) => setImmediate(resolve));
      make();
    }

    return { model, index, problem: externalProblem(model) };
  } catch (error) {
    if (error instanceof QuantsmithError && error.problem.code === 'model-too-large') return NO_MODEL;
    return { ...NO_MODEL, problem: reasonOf(error) };
  }
}

async function loadStructure(path: string): Promise<LoadedStructure> {
  try {
    const model = await inspectModel(path, { maxParts: MAX_VIEWED_PARTS, tensors: true });
    return { model, problem: null };
  } catch (error) {
    return { model: null, problem: reasonOf(error) };
  }
}

/** What is there and is no regular file; null: nothing is there. */
async function specialConfig(path: string): Promise<ConfigDocument | null> {
  const kind = await lookAt(path);
  return kind === 'folder' || kind === 'other' ? loadConfig(path) : null;
}

/** What is wrong with the files of weights beside a model; null: nothing. */
function externalProblem({ path, externalData }: ModelSummary): string | null {
  try {
    for (const file of externalData) refuseMissingData(file, dirname(path));
    return null;
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    return error.problem.message;
  }
}

async function loadConfig(path: string): Promise<ConfigDocument> {
  const { href } = pathToFileURL(path);
  const document = (text: string) => TextDocument.create(href, '', 1, text);
  try {
    const text = await textOf(path, MAX_EXTENDED_BYTES);
    return text === null
      ? unreadConfig(document(''), `It is larger than ${MAX_EXTENDED_BYTES / 1024} KiB.`)
      : parseConfig(document(text));
  } catch (error) {
    return unreadConfig(document(''), reasonOf(error));
  }
}
