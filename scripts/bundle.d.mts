/** The repository's root, with a slash at its end. */
export const root: string;
/** Entry points of the bundles by their names. */
export const EXTENSION_BUNDLES: Readonly<Record<string, string>>;
export const NPM_BUNDLES: Readonly<Record<string, string>>;
