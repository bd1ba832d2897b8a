import { isConfig } from '@quantsmith/schemas';
import {
  type ConfigDocument,
  configHash,
  effectiveValue,
  inherit,
  isMapping,
  NO_SAMPLES,
  outputPaths,
  type Surroundings,
} from '@quantsmith/service';
import { dirname, resolve } from 'node:path';
import { outputSurroundings } from './output.js';
import { changedSince } from './freshness.js';
import type { Sources } from './sources.js';

/** The model and the last report of a config that lies (or would lie) at `file`; null: it is not saved. */
export async function surroundings(
  document: ConfigDocument,
  file: string | null,
  sources: Sources,
): Promise<Surroundings> {
  const baseDir = file === null ? null : dirname(file);
  const inherited = await inherit(document, file, sources.config);
  const value = effectiveValue(document, inherited);
  const config = isConfig(value) ? value : null;
  if (baseDir === null)
    return {
      baseDir,
      inherited,
      samples: NO_SAMPLES,
      arrayNames: { calibration: null, validation: null },
      model: null,
      modelProblem: null,
      config,
      report: null,
      changed: null,
      output: null,
    };
  const named = isMapping(value) && typeof value['model'] === 'string' ? value['model'] : '';
  const loaded = named === '' ? null : await sources.model(resolve(baseDir, named));
  const paths = isMapping(value) ? outputPaths(value, file!) : null;
  const report = paths === null ? null : await sources.report(paths.report);
  const [calibration, validation] =
    config === null
      ? [null, null]
      : await Promise.all(
          [config.data.calibration, config.data.validation].map((section) =>
            sources.samples(section, baseDir),
          ),
        );
  const [calibrationArrays, validationArrays] = await Promise.all(
    (['calibration', 'validation'] as const).map((section) => archiveOf(value, section, baseDir, sources)),
  );
  const arrayNames = { calibration: calibrationArrays ?? null, validation: validationArrays ?? null };
  const samples = { calibration: calibration ?? null, validation: validation ?? null };
  const changed =
    report === null || config === null
      ? null
      : await changedSince(report, config, configHash(document, inherited), baseDir);
  return {
    baseDir,
    inherited,
    samples,
    arrayNames,
    model: loaded?.model ?? null,
    modelProblem: loaded?.problem ?? null,
    config,
    report,
    changed,
    output: paths === null ? null : await outputSurroundings(paths, file!, value, sources),
  };
}

/** The arrays of a section's .npz; null for other sources. */
async function archiveOf(
  value: unknown,
  section: string,
  baseDir: string,
  sources: Sources,
): Promise<readonly string[] | null> {
  const arrays = ['data', section, 'arrays'].reduce<unknown>(
    (current, step) => (isMapping(current) ? current[step] : null),
    value,
  );
  if (typeof arrays !== 'string' || !/\.npz$/i.test(arrays)) return null;
  return sources.arrayNames(resolve(baseDir, arrays));
}
