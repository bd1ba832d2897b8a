import { detect } from '../tasks/detect.js';
import { overlap, type Detection } from '../tasks/detections.js';
import type { Outputs, SampleContext } from './metric.js';

/** Detections of the float model with a lower score say nothing. */
const MIN_FLOAT_SCORE = 0.05;
/** Of the other model nearly all count, so that scores that have shrunk still tell how far they are. */
const MIN_SCORE = 1e-3;

/**
 * How far a detector is from the float model, 0 … 1: what each of the float model's detections loses in score and in
 * overlap with the other model's best of its class, weighted by its score. It changes smoothly with the outputs, where the
 * precision of a few images hardly moves.
 */
export function detectionError(outputs: Outputs, floatOutputs: Outputs, context: SampleContext): number {
  const { task } = context;
  const float = detect(floatOutputs, { ...task, scoreThreshold: MIN_FLOAT_SCORE }, context);
  const detections = detect(outputs, { ...task, scoreThreshold: MIN_SCORE }, context);
  const kept = (detection: Detection) => {
    const likeness = detections
      .filter((other) => other.class === detection.class)
      .map((other) => overlap(detection.corners, other.corners) * Math.min(1, other.score / detection.score));

    return likeness.reduce((best, value) => Math.max(best, value), 0);
  };

  const [lost, all] = float.reduce(
    ([sum, weight], detection) => [sum + detection.score * (1 - kept(detection)), weight + detection.score],
    [0, 0],
  );

  return all === 0 ? 0 : lost / all;
}
