import { isConfig } from '@quantsmith/schemas';
import {
  allNamedPaths,
  effectiveValue,
  extendsOf,
  inherit,
  isMapping,
  namedPaths,
  NO_FACTS,
  NOTHING_INHERITED,
  outputPaths,
  type ConfigContext,
  type ConfigDocument,
  type EntryKind,
  type FileFacts,
  type FolderEntry,
} from '@quantsmith/service';
import { dirname, resolve } from 'node:path';
import { changedSince } from './staleReport.js';
import { outputContext } from './output.js';
import { createPatience, WAITS, type Patience, type PatienceOptions } from './patience.js';
import { gatherSection, type Meant } from './section.js';
import type { Sources } from './sources.js';

/**
 * What a config leads to that lies (or would lie) at `file`; null: it is not saved. With little patience, what takes longer
 * is unknown for now.
 */
export async function gatherContext(
  document: ConfigDocument,
  file: string | null,
  sources: Sources,
  options: PatienceOptions = WAITS,
): Promise<ConfigContext> {
  const patience = createPatience(options);
  const inherited = await patience.soon(inherit(document, file, sources.config), NOTHING_INHERITED);
  const value = effectiveValue(document, inherited);
  const config = isConfig(value) ? value : null;
  const meaning = { document, value, config };
  const nothing = {
    inherited,
    meaning,
    config,
    facts: NO_FACTS,
    model: null,
    index: null,
    modelProblem: null,
    report: null,
  };
  if (file === null) return { ...nothing, baseDir: null, changed: null, output: null };

  const baseDir = dirname(file);
  const paths = isMapping(value) ? outputPaths(value, file) : null;
  const [named] = namedPaths(value, baseDir, [['model']]);
  const [facts, loaded, past, output] = await Promise.all([
    gatherFacts(document, { value, config, baseDir }, sources, patience),
    named === undefined ? null : patience.soon(sources.model(named.file), null),
    paths === null ? null : patience.soon(sources.report(paths.report), null),
    paths === null ? null : patience.soon(outputContext(paths, file, value, sources), null),
  ]);
  const report = past?.report ?? null;
  const changed =
    report === null || config === null
      ? null
      : await patience.soon(
          changedSince(report, { document, inherited, config, baseDir }, sources),
          'unknown' as const,
        );

  return {
    baseDir,
    inherited,
    meaning,
    facts,
    model: loaded?.model ?? null,
    index: loaded?.index ?? null,
    modelProblem: loaded?.problem ?? null,
    config,
    report,
    reportProblem: past?.problem ?? null,
    changed,
    output,
  };
}

async function gatherFacts(
  document: ConfigDocument,
  meant: Meant,
  sources: Sources,
  patience: Patience,
): Promise<FileFacts> {
  const { value, baseDir } = meant;
  const base = extendsOf(document.tree);
  const files = new Set(allNamedPaths(value, baseDir).map(({ file }) => file));
  if (base !== null) files.add(resolve(baseDir, base));

  const [kinds, calibration, validation] = await Promise.all([
    Promise.all(
      [...files].map(async (file): Promise<[string, EntryKind]> => [
        file,
        await patience.soon(sources.kind(file), 'unknown' as const),
      ]),
    ),
    gatherSection(meant, 'calibration', sources, patience),
    gatherSection(meant, 'validation', sources, patience),
  ]);

  // What is missing may be misspelled: its neighbours are what may be meant.
  const missing = kinds.flatMap(([file, kind]) => (kind === 'missing' ? [dirname(file)] : []));
  const listings = await Promise.all(
    [...new Set(missing)].map(async (folder): Promise<[string, readonly FolderEntry[]]> => [
      folder,
      (await patience.soon(sources.beside(folder), null)) ?? [],
    ]),
  );

  return {
    kinds: new Map(kinds),
    listings: new Map(listings),
    calibration,
    validation,
  };
}
