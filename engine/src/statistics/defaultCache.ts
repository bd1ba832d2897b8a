import envPaths from 'env-paths';
import { CACHE_BYTES, type StatisticsCache } from './cache.js';

/** The user's cache folder, or what the environment variable QUANTSMITH_CACHE names. */
export function defaultCache(): StatisticsCache {
  const dir = process.env['QUANTSMITH_CACHE'] ?? envPaths('quantsmith', { suffix: '' }).cache;
  return { dir, maxBytes: CACHE_BYTES };
}
