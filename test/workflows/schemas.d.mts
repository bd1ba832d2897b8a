/** JSON Schemas of the files that GitHub, pre-commit and editors read, by path. */
export const SCHEMAS: Readonly<Record<string, object>>;
