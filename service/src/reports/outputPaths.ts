import { extname, resolve } from 'node:path';

/** Where a config's output and report go; the same rule as the engine's. */
export function outputPaths(
  config: { model?: unknown; output?: unknown },
  baseDir: string,
): { output: string; report: string } | null {
  if (typeof config.model !== 'string' || config.model === '') return null;
  const model = resolve(baseDir, config.model);
  const output =
    typeof config.output === 'string' && config.output !== ''
      ? resolve(baseDir, config.output)
      : `${model.slice(0, model.length - extname(model).length)}.int8.onnx`;
  return { output, report: `${output}.report.json` };
}
