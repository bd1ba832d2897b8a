import { inspectModel, refuseMissingData } from '@quantsmith/model/onnx';
import { QuantsmithError, type ModelSummary } from '@quantsmith/schemas';
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
import { cachedByFile, cachedLook, cachedWalk } from './cached.js';
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

const NO_MODEL: LoadedSummary = { model: null, index: null, problem: null };

/** What the server reads beside open configs, once for each state of a file. null: it is not there, or not known. */
export interface Sources {
  readonly model: (path: string) => Promise<LoadedSummary>;
  readonly report: (path: string) => Promise<LoadedReport | null>;
  readonly config: ReadConfig;
  readonly kind: (path: string) => Promise<EntryKind>;
  readonly entries: (folder: string, maxEntries?: number) => Promise<readonly FolderEntry[] | null>;
  readonly images: (path: string) => Promise<SampleFiles | null>;
  readonly audio: (path: string) => Promise<SampleFiles | null>;
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
/** Bytes of a config that is checked by itself. */
export const MAX_CONFIG_BYTES = 64 * 1024 ** 2;
/** Bytes of a config that others extend, or that is not open: parsing more would hold up answers. */
const MAX_EXTENDED_BYTES = 256 * 1024;
const MAX_LISTED = 1000;

/** `open`: configs as an editor has them, which count for more than their files. */
export function createSources(open: (path: string) => ConfigDocument | null = () => null): Sources {
  const model = cachedByFile(loadModel);
  const report = cachedByFile(loadReport);
  const config = cachedByFile(loadConfig, MAX_CONFIGS);
  const array = cachedByFile((path) => arrayFacts(path).catch(() => null));
  const archive = cachedByFile((path) => archiveFacts(path).catch(() => null));
  const labels = cachedByFile((path) => readLabelFacts(path).catch(() => null));
  const labelText = cachedByFile((path) => readLabelText(path).catch(() => null));
  const labelFolder = cachedWalk(yoloFacts);
  const classFolders = cachedWalk(classFolderFacts);
  const image = cachedByFile((path) => imageFacts(path).catch(() => null));
  const labelArray = cachedByFile((path) => readLabelArray(path).catch(() => null));
  const tokenizer = cachedByFile((path) => readTokenizerProblem(path).catch(() => null));
  const images = cachedWalk(listImages);
  const audio = cachedWalk(listAudio);
  const files = cachedWalk(listFiles);
  const content = cachedByFile((path) => contentHash(path).catch(() => null));
  const changed = cachedWalk(latestChange);
  const kind = cachedLook(lookAt);
  const tensors = cachedWalk(readTensorFolder);
  const configsIn = cachedLook(configNames);

  return {
    model: async (path) => (await model.load(path)) ?? NO_MODEL,
    report: report.load,
    config: async (path) => open(path) ?? (await config.load(path)) ?? specialConfig(path),
    kind: kind.load,
    entries: (folder, maxEntries = MAX_LISTED) => entriesOf(folder, maxEntries),
    images: images.load,
    image: image.load,
    tensors: tensors.load,
    audio: audio.load,
    configNames: configsIn.load,
    array: array.load,
    archive: archive.load,
    labels: async (path) => (await labels.load(path)) ?? labelFolder.load(path),
    classFolders: classFolders.load,
    judgeLabels: createLabelJudge({
      ...{ kind: kind.load, labelText: labelText.load, labelArray: labelArray.load, files: files.load },
    }),
    judgeTexts: createTextJudge(labelText.load),
    tokenizer: tokenizer.load,
    content: content.load,
    dataContent: createDataContent(changed.load),
    changed: changed.load,
    forget() {
      const byFile = [
        model,
        report,
        config,
        array,
        archive,
        labelText,
        labels,
        labelArray,
        tokenizer,
        image,
        content,
      ];
      const walks = [images, audio, files, changed, labelFolder, classFolders, tensors];
      for (const { forget } of [...byFile, ...walks, kind, configsIn]) forget();
    },
  };
}

async function loadModel(path: string): Promise<LoadedSummary> {
  try {
    const model = await inspectModel(path, { maxParts: MAX_MODEL_PARTS });
    return { model, index: createModelIndex(model), problem: externalProblem(model) };
  } catch (error) {
    if (error instanceof QuantsmithError && error.problem.code === 'model-too-large') return NO_MODEL;
    return { ...NO_MODEL, problem: error instanceof Error ? error.message : String(error) };
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
    return unreadConfig(document(''), error instanceof Error ? error.message : String(error));
  }
}
