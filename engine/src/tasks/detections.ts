import type { ImagePlacement } from '../data/imagePlacement.js';

/** An object that a detector found. */
export interface Detection {
  /** Left, top, right and bottom. */
  readonly corners: readonly [number, number, number, number];
  readonly class: number;
  /** 0 … 1. */
  readonly score: number;
}

/**
 * Non-maximum suppression: of boxes of one class that overlap by more than `threshold` (intersection over union) only the
 * best stays. Returns them by descending score; of equal scores the earlier stands first.
 */
export function suppress(detections: readonly Detection[], threshold: number): Detection[] {
  const kept = new Map<number, Detection[]>();
  const sorted = [...detections].sort((a, b) => b.score - a.score);
  return sorted.filter((detection) => {
    const rivals = kept.get(detection.class) ?? [];
    if (rivals.some((rival) => overlap(rival.corners, detection.corners) > threshold)) return false;
    kept.set(detection.class, [...rivals, detection]);
    return true;
  });
}

type Corners = Detection['corners'];

/** Intersection over union; 0 for empty boxes. */
export function overlap(a: Corners, b: Corners): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (areaOf(a) + areaOf(b) - both);
}

const areaOf = ([left, top, right, bottom]: Corners) => (right - left) * (bottom - top);

/** The same detection in pixels of the original image instead of the model's input. */
export function onImage(detection: Detection, image: ImagePlacement): Detection {
  const x = (value: number) => (value - image.offsetX) / image.scaleX;
  const y = (value: number) => (value - image.offsetY) / image.scaleY;
  const [left, top, right, bottom] = detection.corners;
  return { ...detection, corners: [x(left), y(top), x(right), y(bottom)] };
}
