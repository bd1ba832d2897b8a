/** The quantization engine as a library. A program that must survive a crash of the runtime uses `spawn.ts` instead. */
export { runPipeline } from './pipeline.js';
export * from './problem.js';
export * from './protocol.js';
