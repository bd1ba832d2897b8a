import type { Metafile } from 'esbuild';

/** Bundles entry points as the programs are; with `write: false` only tells what went in. */
export function bundle(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
  options: { readonly write?: boolean },
): Promise<Metafile>;
/** The repository's root, with a slash at its end. */
export const root: string;
/** Entry points of the bundles by their names. */
export const EXTENSION_BUNDLES: Readonly<Record<string, string>>;
export const EVERY_BUNDLE: Readonly<Record<string, string>>;
export const NPM_BUNDLES: Readonly<Record<string, string>>;
