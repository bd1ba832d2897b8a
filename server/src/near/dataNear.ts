import { guessTask } from '@quantsmith/model/tasks';
import { pathOfSource, type DraftData, type DraftSource, type ModelSummary } from '@quantsmith/schemas';
import { join, relative, resolve } from 'node:path';
import { candidatesIn, type Candidate } from './candidates.js';
import { labelFilesFor } from './labelFiles.js';
import { roleOf, wordsOf, type Role } from './names.js';
import { linesOf } from './text.js';
import { filesIn, treeOf, type FoundFolder } from './tree.js';

/** What is looked through, and where the config will lie. */
export interface Nearby {
  readonly dir: string;
  /** Paths are written relative to it. */
  readonly configDir: string;
  readonly model: ModelSummary;
}

/** Data that lie in a folder or below it, and that the model could take. */
export async function dataNear(nearby: Nearby): Promise<DraftData> {
  const tree = await treeOf(nearby.dir);
  const candidates = await candidatesIn(nearby.dir, tree, nearby.model);
  const isText = guessTask(nearby.model).type === 'language_model';
  // The only set serves for both where it has labels, and is told of as such.
  const [only] = candidates;
  const isLabelled = async () =>
    only !== undefined &&
    (only.isClassed ||
      isText ||
      only.kind === 'texts' ||
      (await labelFilesFor(nearby.dir, tree, only)).length > 0);
  const validation =
    ofRole(candidates, 'validation') ?? (candidates.length === 1 && (await isLabelled()) ? only : undefined);
  const others = candidates.filter((candidate) => candidate !== validation);
  const calibration = ofRole(candidates, 'calibration') ?? others[0] ?? validation;
  const [classes, alphabet] = [await classesIn(nearby, tree), await alphabetIn(nearby, tree)];
  const described = (candidate: Candidate) => sourceOf(nearby, tree, candidate, classes);

  return {
    ...(calibration === undefined ? {} : { calibration: await described(calibration) }),
    ...(validation === undefined ? {} : { validation: await described(validation) }),
    ...(alphabet === null ? {} : { alphabet }),
  };
}

/** The same sources with the labels that lie near them. Paths are relative to the config. */
export async function withLabelsNear(nearby: Nearby, given: DraftData): Promise<DraftData> {
  const tree = await treeOf(nearby.dir);
  const candidates = await candidatesIn(nearby.dir, tree, nearby.model);
  const classes = await classesIn(nearby, tree);
  const completed = async (source: DraftSource | undefined): Promise<DraftSource | undefined> => {
    const path = pathOfSource(source);
    if (source === undefined || path === undefined || source.labels !== undefined) return source;
    const isIt = (candidate: Candidate) =>
      resolve(nearby.dir, candidate.path) === resolve(nearby.configDir, path);
    const match = candidates.find(isIt);
    return match === undefined ? source : { ...(await sourceOf(nearby, tree, match, classes)), ...source };
  };

  const [calibration, validation] = [await completed(given.calibration), await completed(given.validation)];

  return {
    ...given,
    ...(calibration === undefined ? {} : { calibration }),
    ...(validation === undefined ? {} : { validation }),
  };
}

/** The first whose path says that it is for this; a set made for it stands before one that may serve for it. */
function ofRole(candidates: readonly Candidate[], role: Role): Candidate | undefined {
  const placed = candidates.flatMap((candidate) => {
    const word = wordsOf(candidate.path).find((word) => roleOf(word) !== null);
    return word !== undefined && roleOf(word) === role ? [{ candidate, word }] : [];
  });

  return (placed.find(({ word }) => word.startsWith(role.slice(0, 3))) ?? placed[0])?.candidate;
}

async function sourceOf(
  nearby: Nearby,
  tree: readonly FoundFolder[],
  candidate: Candidate,
  classes: string | null,
): Promise<DraftSource> {
  const labels = await labelFilesFor(nearby.dir, tree, candidate);
  const path = (file: string) => configPath(nearby, file);
  return {
    [candidate.kind]: path(candidate.path),
    ...(candidate.tokenizer === undefined ? {} : { tokenizer: path(candidate.tokenizer) }),
    ...(labels.length === 0 ? {} : { labels: labels.map(path) }),
    ...(classes === null ? {} : { classes }),
    ...(candidate.isClassed ? { classFolders: true } : {}),
  };
}

/** A path as configs have it. */
function configPath({ dir, configDir }: Nearby, path: string): string {
  const way = relative(configDir, join(dir, path)).split('\\').join('/');
  if (way === '') return '.';
  return way.startsWith('.') || way.startsWith('/') ? way : `./${way}`;
}

/** A list of as many names as the model has classes. */
async function classesIn(nearby: Nearby, tree: readonly FoundFolder[]): Promise<string | null> {
  const { classes } = guessTask(nearby.model);
  if (classes === null) return null;
  for (const path of filesIn(tree, /(class|label|name|synset)[^/]*\.(txt|names)$/i)) {
    const lines = await linesOf(join(nearby.dir, path));
    if (lines?.filter((line) => line.trim() !== '').length === classes) return configPath(nearby, path);
  }

  return null;
}

/** A list of one text for each class besides the blank. */
async function alphabetIn(nearby: Nearby, tree: readonly FoundFolder[]): Promise<string | null> {
  const { type, classes } = guessTask(nearby.model);
  if (type !== 'ctc' || classes === null) return null;
  for (const path of filesIn(tree, /(key|dict|alphabet|vocab|char|token)[^/]*\.txt$/i)) {
    const lines = await linesOf(join(nearby.dir, path));
    if (lines !== null && lines.length === classes - 1) return configPath(nearby, path);
  }

  return null;
}
