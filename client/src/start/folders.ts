import * as vscode from 'vscode';

/** A folder or file near a model that can hold samples. */
export interface DataFolder {
  readonly uri: vscode.Uri;
  /** Relative to the model's folder, as the config writes it. */
  readonly path: string;
  /** Images in it and in its class folders, or array files; counted up to a bound. */
  readonly images: number;
  readonly arrays: readonly string[];
  /** Subfolders with images: classes, when there are several. */
  readonly classes: number;
  /** Files beside the images that can hold labels. */
  readonly labels: readonly string[];
}

const IMAGE = /\.(jpe?g|png|webp)$/i;
const ARRAY = /\.np[yz]$/i;
const LABELS = /(labels?|annotations?|instances).*\.(csv|tsv|jsonl?|npy)$/i;
const HIDDEN = /^\.|^node_modules$/;

const MAX_DEPTH = 3;
const MAX_FOLDERS = 400;
const MAX_ENTRIES = 200_000;

/**
 * Folders with images or arrays in and below a model's folder and those of its neighbours one level up, most samples
 * first. Looks at no more than `MAX_FOLDERS` folders; links are not followed.
 */
export async function dataFoldersNear(model: vscode.Uri): Promise<DataFolder[]> {
  const base = vscode.Uri.joinPath(model, '..');
  const above = vscode.Uri.joinPath(base, '..');
  const workspace = vscode.workspace.getWorkspaceFolder(model);
  const isInside = workspace !== undefined && above.path.startsWith(workspace.uri.path);
  const roots = isInside ? [base, above] : [base];
  const seen = new Map<string, Listing>();
  let entries = 0;

  const visit = async (folder: vscode.Uri, depth: number): Promise<void> => {
    if (seen.has(folder.path) || seen.size >= MAX_FOLDERS || entries > MAX_ENTRIES) return;
    const listing = await list(folder);
    seen.set(folder.path, listing);
    entries += listing.files.length + listing.folders.length;
    if (depth === MAX_DEPTH) return;
    for (const name of listing.folders) await visit(vscode.Uri.joinPath(folder, name), depth + 1);
  };

  for (const root of roots) await visit(root, 0);

  return [...seen.values()]
    .map((listing) => describe(listing, seen, base))
    .filter(({ images, arrays }) => images > 0 || arrays.length > 0)
    .sort((a, b) => b.images + b.arrays.length - (a.images + a.arrays.length) || (a.path < b.path ? -1 : 1));
}

/** One folder of the user's own choice, described like those that were found. */
export async function dataFolder(folder: vscode.Uri, model: vscode.Uri): Promise<DataFolder> {
  const listing = await list(folder);
  const below = await Promise.all(listing.folders.map((name) => list(vscode.Uri.joinPath(folder, name))));
  const seen = new Map([listing, ...below].map((folder) => [folder.uri.path, folder]));
  return describe(listing, seen, vscode.Uri.joinPath(model, '..'));
}

interface Listing {
  readonly uri: vscode.Uri;
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

async function list(uri: vscode.Uri): Promise<Listing> {
  const listed = await vscode.workspace.fs.readDirectory(uri).then(
    (entries) => entries,
    () => [],
  );

  const names = (type: vscode.FileType) => listed.flatMap(([name, kind]) => (kind === type ? [name] : []));
  return {
    uri,
    files: names(vscode.FileType.File),
    folders: names(vscode.FileType.Directory).filter((name) => !HIDDEN.test(name)),
  };
}

function describe(listing: Listing, seen: ReadonlyMap<string, Listing>, base: vscode.Uri): DataFolder {
  const imagesOf = ({ files }: Listing) => files.filter((name) => IMAGE.test(name)).length;
  const labelsOf = ({ files }: Listing) => files.filter((name) => LABELS.test(name));
  const below = listing.folders
    .map((name) => seen.get(vscode.Uri.joinPath(listing.uri, name).path))
    .filter((folder) => folder !== undefined);
  const classes = below.map(imagesOf).filter((images) => images > 0);

  const ownImages = imagesOf(listing);
  // Folders of images beside images are something else than classes: thumbnails, say. So are folders with labels of their own,
  // and what lies beside the model.
  const isClassFolder =
    ownImages === 0 &&
    classes.length > 1 &&
    below.every((folder) => labelsOf(folder).length === 0) &&
    !`${base.path}/`.startsWith(`${listing.uri.path}/`);

  return {
    uri: listing.uri,
    path: relativePath(base, listing.uri),
    images: isClassFolder ? classes.reduce((sum, images) => sum + images, 0) : ownImages,
    arrays: listing.files.filter((name) => ARRAY.test(name) && !LABELS.test(name)),
    classes: isClassFolder ? classes.length : 0,
    labels: labelsOf(listing),
  };
}

/** A path from one folder to another, with forward slashes. */
export function relativePath(from: vscode.Uri, to: vscode.Uri): string {
  const [start, end] = [from, to].map(({ path }) => path.split('/').filter((part) => part !== ''));
  if (start === undefined || end === undefined) return to.fsPath;
  let shared = 0;
  while (shared < start.length && start[shared] === end[shared]) shared++;
  const parents = start.slice(shared).map(() => '..');
  const path = [...parents, ...end.slice(shared)].join('/');
  return parents.length === 0 ? `./${path}` : path;
}
