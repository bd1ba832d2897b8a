/** What the shapes of a model's inputs and outputs say of its task. */
export * from './audioDraft.js';
export * from './decoders.js';
export * from './guessTask.js';
export * from './imageInput.js';
export * from './preprocessings.js';
export * from './shapesDraft.js';
export * from './streaming.js';
export * from './textInputs.js';
