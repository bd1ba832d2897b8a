import { inspectModel } from '@quantsmith/engine/onnx/inspect';
import type { ModelSummary } from '@quantsmith/engine/protocol';
import type { QuantizationReport } from '@quantsmith/schemas';
import { readFile, stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parseConfig, type ConfigDocument } from '../document/document.js';
import type { ReadConfig } from '../extends/inherit.js';
import { countSamples } from './samples.js';
import { readReport } from '../runs/reports.js';

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
}

/** Files of each kind that are kept. */
const KEPT = 16;
const KEPT_CONFIGS = 500;
/** Milliseconds for which the count of a folder's samples holds. */
const COUNTED_MS = 5000;

/** `open`: configs as an editor has them, which count for more than their files. */
export function createSources(open: (path: string) => ConfigDocument | null = () => null): Sources {
  const model = cached(loadModel);
  const report = cached(readReport);
  const config = cached(loadConfig, KEPT_CONFIGS);
  return {
    model: async (path) => (await model(path)) ?? { model: null, problem: null },
    report,
    config: async (path) => open(path) ?? config(path),
    samples: remembered(countSamples),
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
function remembered(count: typeof countSamples): typeof countSamples {
  const known = new Map<string, { time: number; counted: Promise<number | null> }>();
  return (section, baseDir) => {
    const key = JSON.stringify([baseDir, section]);
    const found = known.get(key);
    if (found !== undefined && Date.now() - found.time < COUNTED_MS) return found.counted;
    if (known.size > KEPT) known.clear();
    const counted = count(section, baseDir);
    known.set(key, { time: Date.now(), counted });
    return counted;
  };
}

/** Loads a file again only when it is another file, or has another size or time; null where there is none. */
function cached<T>(load: (path: string) => Promise<T>, kept = KEPT): (path: string) => Promise<T | null> {
  const known = new Map<string, { identity: string; loaded: Promise<T> }>();
  return async (path) => {
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
}
