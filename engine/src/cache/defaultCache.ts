import envPaths from 'env-paths';
import { CACHE_BYTES, type Cache } from './entries.js';

/** The user's cache folder, or what the environment variable QUANTSMITH_CACHE names. */
export function defaultCache(): Cache {
  const dir = process.env['QUANTSMITH_CACHE'] ?? envPaths('quantsmith', { suffix: '' }).cache;
  return { dir, maxBytes: CACHE_BYTES };
}
