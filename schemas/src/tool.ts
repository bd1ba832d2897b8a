/** What made a file, in reports and cache keys. */
export const TOOL = { name: 'quantsmith', version: '0.1.0' } as const;

/** The metadata key of every model that this tool writes: an output may replace only such files. */
export const MODEL_KEY = 'quantsmith.version';
/** Where the user guide stands, page by page. */
export const DOCS_URL = 'https://quantsmith.invalid/docs';
