/** What made a file, in reports and cache keys. */
export const TOOL = { name: 'quantsmith', version: '0.1.0' } as const;
