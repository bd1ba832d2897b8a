/** The kinds of sources that a data section can name, and what their path leads to. */
export const DATA_KINDS = {
  images: { holds: 'folder', module: false },
  arrays: { holds: 'file', module: false },
  tensors: { holds: 'folder', module: false },
  texts: { holds: 'file', module: false },
  audio: { holds: 'folder', module: false },
  loader: { holds: 'file', module: true },
} as const satisfies Readonly<
  Record<string, { readonly holds: 'folder' | 'file'; readonly module: boolean }>
>;

export type DataKind = keyof typeof DATA_KINDS;

/** In the order in which messages list them. */
export const DATA_KIND_NAMES = Object.keys(DATA_KINDS) as readonly DataKind[];

/** The sections that name data. */
export const DATA_SECTIONS = ['calibration', 'validation'] as const;

/** Files that are programs: loaders and metrics. */
export function isModulePath(path: string): boolean {
  return /\.[cm]?[jt]s$/.test(path);
}
