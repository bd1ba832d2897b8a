import { startEngine } from '@quantsmith/engine';
import { inspectModel } from '@quantsmith/model/onnx';
import { fail, type DraftData, type EngineEvent, type ModelDraft } from '@quantsmith/schemas';
import { shapesDraft } from '@quantsmith/model/tasks';
import { configFor } from '@quantsmith/service';
import { dirname, relative, resolve } from 'node:path';
import { dataNear, withLabelsNear } from '../near/dataNear.js';

type ProgressEvent = Extract<EngineEvent, { type: 'progress' }>;

/** Seconds that trials on the float model may take. */
const SECONDS = 60;

export interface DraftOptions {
  /** Where the config will lie: paths in it are relative to its folder. */
  readonly configPath: string;
  /** The folder that is looked through for data; default: the config's. */
  readonly dataDir?: string;
  /** What the user chose; data are looked for only where nothing is chosen. */
  readonly chosen?: DraftData | undefined;
  /** Modules that are to be named, relative to the config's folder; they need not be there. */
  readonly modules?: { readonly loader?: string | undefined; readonly metric?: string | undefined };
  /** Largest acceptable drop of the metric. */
  readonly maxDrop?: number;
  /** Seconds that trials on the float model may take (default 60); 0: nothing is tried. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
}

export interface DraftedConfig {
  readonly text: string;
  /** What was found near. */
  readonly data: DraftData;
  readonly draft: ModelDraft;
}

/**
 * A commented config for a model: its task, data that lie near, and the preprocessing that the float model does best with,
 * tried in an engine process. What cannot be tried is left to the shapes, and the config says so. Throws where the model
 * cannot be read, and `cancelled`.
 */
export async function draftConfig(modelPath: string, options: DraftOptions): Promise<DraftedConfig> {
  const model = await inspectModel(modelPath);
  const configDir = dirname(resolve(options.configPath));
  const nearby = { dir: resolve(options.dataDir ?? configDir), configDir, model };
  const { chosen, maxDrop, seconds = SECONDS } = options;
  const { loader, metric } = options.modules ?? {};
  const drafted =
    loader !== undefined
      ? { calibration: { loader }, validation: { loader } }
      : chosen === undefined
        ? await dataNear(nearby)
        : await withLabelsNear(nearby, chosen);

  const data: DraftData = { ...drafted, ...(metric === undefined ? {} : { metric }) };
  const shapes = shapesDraft(model);
  const draft =
    // A loader is a program: nothing runs here.
    seconds === 0 || loader !== undefined
      ? shapes
      : await tried(modelPath, { baseDir: configDir, data, seconds }, options, shapes);
  const path = relative(configDir, resolve(modelPath)).split('\\').join('/');

  return { text: configFor(model, path, data, draft, maxDrop), data, draft };
}

async function tried(
  modelPath: string,
  request: { readonly baseDir: string; readonly data: DraftData; readonly seconds: number },
  { signal, onProgress }: DraftOptions,
  shapes: ModelDraft,
): Promise<ModelDraft> {
  let draft: ModelDraft | null = null as ModelDraft | null;
  const outcome = await startEngine(
    { kind: 'draft', modelPath: resolve(modelPath), ...request },
    {
      ...(signal === undefined ? {} : { signal }),
      onEvent(event) {
        if (event.type === 'progress') onProgress?.(event);
        if (event.type === 'drafted') draft = event.draft;
      },
    },
  );

  if (outcome.code === 'cancelled') return fail('cancelled', 'Cancelled; no config was written.');
  if (outcome.code === 'failed') return { ...shapes, remarks: [outcome.problem.message] };

  return draft ?? shapes;
}
