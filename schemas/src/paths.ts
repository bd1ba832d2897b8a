import { dirname, extname, resolve } from 'node:path';
import type { RunRequest } from './protocol.js';

export interface RunPaths {
  readonly baseDir: string;
  readonly model: string;
  readonly output: string;
  readonly report: string;
  /** What restoration has found out so far, for a run that resumes. */
  readonly journal: string;
}

/** Absolute paths of a run: relative ones in the config start at the config's folder. */
export function runPaths(request: RunRequest): RunPaths {
  const baseDir = dirname(resolve(request.configPath));
  const model = resolve(baseDir, request.config.model);
  const fromConfig = request.config.output;
  const output =
    request.output !== undefined
      ? resolve(request.output)
      : fromConfig !== undefined && fromConfig !== null
        ? resolve(baseDir, fromConfig)
        : `${model.slice(0, model.length - extname(model).length)}.int8.onnx`;
  return { baseDir, model, output, report: `${output}.report.json`, journal: `${output}.restore.jsonl` };
}
