import { inspectModel } from '@quantsmith/model/onnx';
import type { ModelSummary, QuantizationReport } from '@quantsmith/schemas';
import { readFile, stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { type ConfigDocument, parseConfig, type ReadConfig } from '@quantsmith/service';
import { arrayNames } from './npz.js';
import { countSamples } from './samples.js';
import { readReport } from './reports.js';

export interface LoadedSummary {
  readonly model: ModelSummary | null;
  /** Why it could not be read; null also when the file does not exist (another rule says so). */
  readonly problem: string | null;
}

/** What the server reads beside open configs: structures of models, reports, other configs; once for each state of a file. */
export interface Sources {
  readonly model: (path: string) => Promise<LoadedSummary>;
  readonly report: (path: string) => Promise<QuantizationReport | null>;
  readonly config: ReadConfig;
  /** How many samples a data section of a config in `baseDir` has. */
  readonly samples: (section: unknown, baseDir: string) => Promise<number | null>;
  /** The names of the arrays of a .npz; null where there is none. */
  readonly arrayNames: (path: string) => Promise<readonly string[] | null>;
  /** Files are known to have changed: none is taken for what it was a moment ago. */
  readonly forget: () => void;
}

/** Files of each kind that are kept. */
const KEPT = 16;
const KEPT_CONFIGS = 500;
/** Milliseconds for which a file is taken for what it was: nothing is waited for at each key that is typed. */
const LOOKED_MS = 1000;
/** Milliseconds for which the count of a folder's samples holds. */
const COUNTED_MS = 5000;

/** `open`: configs as an editor has them, which count for more than their files. */
export function createSources(open: (path: string) => ConfigDocument | null = () => null): Sources {
  const model = cached(loadModel);
  const report = cached(readReport);
  const config = cached(loadConfig, KEPT_CONFIGS);
  const arrays = cached((path) => arrayNames(path).catch(() => null));
  const samples = remembered(countSamples);
  return {
    model: async (path) => (await model.load(path)) ?? { model: null, problem: null },
    report: report.load,
    config: async (path) => open(path) ?? config.load(path),
    samples: samples.count,
    arrayNames: arrays.load,
    forget() {
      for (const { forget } of [model, report, config, arrays, samples]) forget();
    },
  };
}

async function loadModel(path: string): Promise<LoadedSummary> {
  try {
    return { model: await inspectModel(path), problem: null };
  } catch (error) {
    return { model: null, problem: error instanceof Error ? error.message : String(error) };
  }
}

async function loadConfig(path: string): Promise<ConfigDocument> {
  const text = await readFile(path, 'utf8');
  return parseConfig(TextDocument.create(pathToFileURL(path).href, '', 1, text));
}

/** Counts again after a while: folders do not tell when something below them changes. */
function remembered(count: typeof countSamples): { count: typeof countSamples; forget: () => void } {
  const known = new Map<string, { time: number; counted: Promise<number | null> }>();
  const counted: typeof countSamples = (section, baseDir) => {
    const key = JSON.stringify([baseDir, section]);
    const found = known.get(key);
    if (found !== undefined && Date.now() - found.time < COUNTED_MS) return found.counted;
    if (known.size > KEPT) known.clear();
    const number = count(section, baseDir);
    known.set(key, { time: Date.now(), counted: number });
    return number;
  };
  return { count: counted, forget: () => known.clear() };
}

/** A loader that keeps what it has loaded, and can be told to look at the files again. */
interface Cached<T> {
  readonly load: (path: string) => Promise<T | null>;
  readonly forget: () => void;
}

/** Loads a file again only when it is another file, or has another size or time; null where there is none. */
function cached<T>(load: (path: string) => Promise<T>, kept = KEPT): Cached<T> {
  const known = new Map<string, { identity: string; loaded: Promise<T> }>();
  const looked = new Map<string, { time: number; found: Promise<T | null> }>();
  const look = async (path: string) => {
    const info = await stat(path).catch(() => null);
    if (info === null || !info.isFile()) return null;
    const identity = `${info.ino}:${info.size}:${info.mtimeMs}`;
    const found = known.get(path);
    if (found?.identity === identity) return found.loaded;
    const loaded = load(path);
    known.delete(path);
    known.set(path, { identity, loaded });
    const oldest = known.keys().next().value;
    if (known.size > kept && oldest !== undefined) known.delete(oldest);
    return loaded;
  };
  return {
    load(path) {
      const last = looked.get(path);
      if (last !== undefined && Date.now() - last.time < LOOKED_MS) return last.found;
      if (looked.size > kept) looked.clear();
      const found = look(path);
      looked.set(path, { time: Date.now(), found });
      return found;
    },
    forget: () => looked.clear(),
  };
}
