import { fail } from '@quantsmith/schemas';
import type { HostTensor } from '@quantsmith/model/arrays';
import { placementOfFeeds, type ImagePlacement } from '../data/imagePlacement.js';
import { DECODERS, NEEDS_SUPPRESSION } from './decoders.js';
import { onImage, suppress, type Detection } from './detections.js';
import type { Task } from './task.js';

type Tensors = Readonly<Record<string, HostTensor>>;

interface Source {
  readonly name: string;
  readonly feeds: Tensors;
  readonly image: ImagePlacement | null;
}

/** What a detector found, in pixels of the original image, the surest first. Throws `decoder-unfit`. */
export function detect(outputs: Tensors, task: Task, source: Source): Detection[] {
  const { decode } = task;
  if (decode === null) {
    return fail(
      'task-unknown',
      'The decoder cannot be inferred from the shapes of the outputs: set task.decode.',
      { configPath: ['task'] },
    );
  }

  const image = placementOf(source);
  const tensors = task.output === null ? Object.values(outputs) : [outputs[task.output]!];
  const detections = DECODERS[decode](tensors, task, { width: image.inputWidth, height: image.inputHeight });
  if (detections === null) {
    const shapes = Object.entries(outputs).map(([name, { dims }]) => `${name} [${dims.join(', ')}]`);
    return fail('decoder-unfit', `The outputs do not fit a ${decode} head: ${shapes.join('; ')}.`, {
      configPath: ['task', 'decode'],
      data: { decode },
    });
  }

  const kept = NEEDS_SUPPRESSION.has(decode) ? suppress(detections, task.iouThreshold) : detections;

  return kept.map((detection) => onImage(detection, image));
}

/** How the image lies in the input; of a sample that is no image file, the input itself is the image. */
export function placementOf({ feeds, image }: Pick<Source, 'feeds' | 'image'>): ImagePlacement {
  return image ?? placementOfFeeds(feeds);
}
