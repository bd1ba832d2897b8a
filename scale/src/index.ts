/** The way of units between runs and workers: BullMQ over Redis. Loaded only where somebody asks for it. */
export type { RedisPlace } from './place.js';
export { openDispatch, type Dispatch } from './dispatch.js';
export { workOnQueue } from './worker.js';
