import * as vscode from 'vscode';
import { configBeside, exists, pickModel, writeConfig, type InitOptions } from '../commands/newConfig.js';
import { nameOf } from '../runs/run.js';
import type { Server } from '../server/server.js';
import { dataFolder, dataFoldersNear, type DataFolder } from './folders.js';

/**
 * From a model to a config that is ready to run, by picking: what to calibrate on, what to measure accuracy on, and how
 * much of it may be lost. What the model and the data tell is written into the config with the reasons. Returns the
 * config; undefined: the user left.
 */
export async function quantizeModel(server: Server, chosen?: vscode.Uri): Promise<vscode.Uri | undefined> {
  const model = chosen ?? (await pickModel());
  if (model === undefined) return undefined;
  const existing = configBeside(model);
  if (await exists(existing)) {
    await vscode.window.showTextDocument(existing);
    return existing;
  }

  const folders = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Window,
      title: vscode.l10n.t('Looking for data near {0}', nameOf(model)),
    },
    () => dataFoldersNear(model),
  );
  const calibration = await pickFolder(server, model, folders, {
    title: vscode.l10n.t('Quantize 1/3: calibration data'),
    placeHolder: vscode.l10n.t('A few hundred typical inputs; no labels needed'),
    likely: /cal|train|sample|image|data/i,
    wantsLabels: false,
  });

  if (calibration === undefined) return undefined;

  const others = folders.filter(({ path }) => path !== calibration?.path);
  const validation = await pickFolder(server, model, others, {
    title: vscode.l10n.t('Quantize 2/3: validation data'),
    placeHolder: vscode.l10n.t('What accuracy is measured on, with labels where there are some'),
    likely: /val|test|eval|dev/i,
    wantsLabels: true,
    none: vscode.l10n.t('outputs are compared with those of the float model'),
  });

  if (validation === undefined) return undefined;

  const drop = validation === null ? null : await askDrop();
  if (drop === undefined) return undefined;
  const options: InitOptions = {
    ...(calibration === null ? {} : { calibration: sourceOf(calibration) }),
    ...(validation === null ? {} : { validation: sourceOf(validation) }),
    ...(drop === null ? {} : { max_drop: drop }),
  };

  return writeConfig(server, model, options);
}

/** So many arrays of a folder are named. */
const MAX_ARRAYS = 3;

interface FolderQuestion {
  readonly title: string;
  readonly placeHolder: string;
  /** Names that such folders usually have: they come first. */
  readonly likely: RegExp;
  /** Of others, whether those with labels come first. */
  readonly wantsLabels: boolean;
  /** The choice to have none; absent: there must be one. */
  readonly none?: string;
}

interface FolderItem extends vscode.QuickPickItem {
  readonly folder: DataFolder | null | 'browse';
}

/** The chosen folder; null: none is wanted; undefined: the user left. */
async function pickFolder(
  server: Server,
  model: vscode.Uri,
  folders: readonly DataFolder[],
  { title, placeHolder, likely, wantsLabels, none }: FolderQuestion,
): Promise<DataFolder | null | undefined> {
  const rank = ({ path, labels, classes }: DataFolder) => {
    const hasName = likely.test(path.split('/').at(-1) ?? '');
    const hasLabels = labels.length > 0 || classes > 0;
    return (hasName ? 0 : 2) + (hasLabels === wantsLabels ? 0 : 1);
  };

  const sorted = [...folders].sort((a, b) => rank(a) - rank(b));
  const items: FolderItem[] = [
    ...(await Promise.all(
      sorted.map(async (folder) => ({
        label: folder.path,
        description: await contentsOf(server, folder),
        folder,
      })),
    )),
    ...(none === undefined ? [] : [{ label: vscode.l10n.t('None'), description: none, folder: null }]),
    {
      label: vscode.l10n.t('Browse…'),
      description: vscode.l10n.t('another folder'),
      folder: 'browse' as const,
    },
  ];

  const chosen = await vscode.window.showQuickPick(items, { title, placeHolder, ignoreFocusOut: true });
  if (chosen?.folder !== 'browse') return chosen?.folder;
  const [browsed] =
    (await vscode.window.showOpenDialog({ title, canSelectFolders: true, canSelectFiles: false })) ?? [];

  return browsed === undefined ? undefined : dataFolder(browsed, model);
}

/** "600 images in 10 class folders, labels.csv"; "calibration.npy (512 samples)". */
async function contentsOf(
  server: Server,
  { uri, images, arrays, classes, labels }: DataFolder,
): Promise<string> {
  const named = arrays.slice(0, MAX_ARRAYS);
  const counts = await sampleCounts(
    server,
    named.map((name) => vscode.Uri.joinPath(uri, name)),
  );
  const describeArray = (name: string, index: number) => {
    const samples = counts[index] ?? null;
    if (samples === null) return name;
    return samples === 1
      ? vscode.l10n.t('{0} (1 sample)', name)
      : vscode.l10n.t('{0} ({1} samples)', name, samples);
  };

  const parts = [
    ...(images === 0 ? [] : [countOf(images, classes)]),
    ...named.map(describeArray),
    ...(arrays.length > MAX_ARRAYS ? [vscode.l10n.t('{0} more', arrays.length - MAX_ARRAYS)] : []),
    ...labels.slice(0, 2),
  ];

  return parts.join(', ');
}

/** How many samples files of arrays hold; null or none: that is not known. */
async function sampleCounts(server: Server, files: readonly vscode.Uri[]): Promise<(number | null)[]> {
  if (files.length === 0) return [];
  const uris = files.map((file) => file.toString());
  return server.execute('quantsmith.server.samples', uris).then(
    (counts) => counts as (number | null)[],
    () => [],
  );
}

function countOf(images: number, classes: number): string {
  if (classes > 0) return vscode.l10n.t('{0} images in {1} class folders', images, classes);
  return images === 1 ? vscode.l10n.t('1 image') : vscode.l10n.t('{0} images', images);
}

/** The config's entry for a folder: its images, or the first of its arrays. */
function sourceOf({
  path,
  images,
  arrays,
  labels,
  classes,
}: DataFolder): NonNullable<InitOptions['calibration']> {
  const inFolder = (name: string) => `${path}/${name}`;
  const labelled = labels[0] === undefined ? {} : { labels: inFolder(labels[0]) };
  if (images > 0 || arrays[0] === undefined) return { images: path, ...labelled, classFolders: classes > 1 };
  return { arrays: inFolder(arrays[0]), ...labelled };
}

/** The largest drop that is acceptable, as a fraction; undefined: the user left. From a list: an input has no button for the mouse. */
async function askDrop(): Promise<number | undefined> {
  const title = vscode.l10n.t('Quantize 3/3: target');
  const other = vscode.l10n.t('Another…');
  const items = [
    { label: '0.01', description: vscode.l10n.t('one percentage point: the usual choice') },
    { label: '0.005', description: vscode.l10n.t('half a point') },
    { label: '0.02', description: vscode.l10n.t('two points') },
    { label: '0.05', description: vscode.l10n.t('five points') },
    { label: '0', description: vscode.l10n.t('nothing may be lost') },
    { label: other, description: vscode.l10n.t('a number of your own'), alwaysShow: true },
  ];
  const placeHolder = vscode.l10n.t('Largest acceptable drop of accuracy');
  const chosen = await vscode.window.showQuickPick(items, { title, placeHolder, ignoreFocusOut: true });
  if (chosen?.label !== other) return chosen === undefined ? undefined : Number(chosen.label);
  const answer = await vscode.window.showInputBox({
    title,
    prompt: vscode.l10n.t('Largest acceptable drop of accuracy: 0.01 is one percentage point'),
    value: '0.01',
    ignoreFocusOut: true,
    validateInput: (text) => {
      const value = Number(text);
      return text.trim() !== '' && value >= 0 && value <= 1 ? null : vscode.l10n.t('A number from 0 to 1.');
    },
  });

  return answer === undefined ? undefined : Number(answer);
}
