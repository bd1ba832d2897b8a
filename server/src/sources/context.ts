import {
  allNamedPaths,
  effectiveValue,
  extendsOf,
  inherit,
  isMapping,
  meaningOf,
  namedPaths,
  NO_FACTS,
  NOTHING_INHERITED,
  once,
  outputPaths,
  type ConfigContext,
  type ConfigDocument,
  type EntryKind,
  type FileFacts,
  type FolderEntry,
  type Inherited,
  type Meaning,
  type Surroundings,
} from '@quantsmith/service';
import { dirname, resolve } from 'node:path';
import { changedSince } from './staleReport.js';
import { outputContext } from './output.js';
import { createPatience, WAITS, type Patience, type PatienceOptions } from './patience.js';
import { gatherSection, type Meant } from './section.js';
import type { Sources } from './sources.js';

/** What is being found out beside a config. */
export interface Gathering {
  /** For questions about one place of it, which need no look at its data and take none of its long lists apart. */
  readonly around: Promise<Surroundings>;
  /** With all the rest, which is looked for when it is first asked for. */
  readonly whole: () => Promise<ConfigContext>;
}

/**
 * Begins to find out what a config leads to that lies (or would lie) at `file`; null: it is not saved. With little patience, what
 * takes longer is unknown for now.
 */
export function gathering(
  document: ConfigDocument,
  file: string | null,
  sources: Sources,
  options: PatienceOptions = WAITS,
): Gathering {
  const patience = createPatience(options);
  const meant = patience
    .soon(inherit(document, file, sources.config), NOTHING_INHERITED)
    .then((inherited) => ({ inherited, meaning: meaningOf(document, inherited) }));
  const around = meant.then((known) => gatherAround(known, file, sources, patience));
  const whole = once(async () => {
    const known = await meant;
    // Who asks later has patience of his own.
    const rest = await gatherRest(known.meaning, file, sources, createPatience(options));
    return { ...(await around), config: known.meaning.config, ...rest };
  });

  return { around, whole };
}

/** All of that at once. */
export const gatherContext = (...config: Parameters<typeof gathering>): Promise<ConfigContext> =>
  gathering(...config).whole();

/** A document with what it inherits. */
interface Known {
  readonly inherited: Inherited;
  readonly meaning: Meaning;
}

async function gatherAround(
  { inherited, meaning }: Known,
  file: string | null,
  sources: Sources,
  patience: Patience,
): Promise<Surroundings> {
  const nothing = { inherited, meaning, model: null, index: null, modelProblem: null, report: null };
  if (file === null) return { ...nothing, baseDir: null, changed: null };

  const { document } = meaning;
  const baseDir = dirname(file);
  const named = effectiveValue(document, inherited, ['model', 'output']);
  const paths = isMapping(named) ? outputPaths(named, file) : null;
  const [model] = namedPaths(named, baseDir, [['model']]);
  const [loaded, past] = await Promise.all([
    model === undefined ? null : patience.soon(sources.model(model.file), null),
    paths === null ? null : patience.soon(sources.report(paths.report), null),
  ]);
  const report = past?.report ?? null;
  const config = report === null ? null : meaning.config;
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
    model: loaded?.model ?? null,
    index: loaded?.index ?? null,
    modelProblem: loaded?.problem ?? null,
    report,
    reportProblem: past?.problem ?? null,
    changed,
  };
}

/** What only the whole config tells: its data, and the place where its model goes. */
async function gatherRest(
  { document, value, config }: Meaning,
  file: string | null,
  sources: Sources,
  patience: Patience,
): Promise<Pick<ConfigContext, 'facts' | 'output'>> {
  if (file === null) return { facts: NO_FACTS, output: null };
  const paths = isMapping(value) ? outputPaths(value, file) : null;
  const [facts, output] = await Promise.all([
    gatherFacts(document, { value, config, baseDir: dirname(file) }, sources, patience),
    paths === null ? null : patience.soon(outputContext(paths, file, value, sources), null),
  ]);

  return { facts, output };
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
