import { MAX_OUTPUT_NAME_BYTES } from '@quantsmith/schemas';
import { basename } from 'node:path';
import type { OutputFacts, PlaceFacts } from './facts.js';

/**
 * Why a run may not write where its output goes, as the end of a sentence that begins with the output's path; null: nothing
 * is known to be in the way. A run replaces what this tool wrote and nothing else; with `force` also other regular files, but
 * never a folder, a device, a FIFO, a socket or what the run reads. Asked before anything is computed: a run may take hours.
 */
export function outputObstacle(
  { model, report, journal, folder }: OutputFacts,
  force: boolean,
): string | null {
  if (model.path.includes('\0')) return 'has a null character in its name, which no file can have';
  const name = Buffer.byteLength(basename(model.path));
  if (name > MAX_OUTPUT_NAME_BYTES)
    return `has a name of ${name} bytes; at most ${MAX_OUTPUT_NAME_BYTES} are possible, since the files beside it have longer names`;
  if (folder.state === 'absent') return `cannot be written: the folder ${folder.path} does not exist`;
  if (folder.state === 'not-a-folder') return `cannot be written: ${folder.path} is not a folder`;
  const modelObstacle = placeObstacle(model, force);
  if (modelObstacle !== null) return modelObstacle;
  for (const place of [report, journal]) {
    const obstacle = placeObstacle(place, force);
    if (obstacle !== null) return `cannot be written: ${place.path} ${obstacle}`;
  }

  return folder.state === 'locked'
    ? `cannot be written: files cannot be created in the folder ${folder.path}`
    : null;
}

function placeObstacle({ kind, ours, input }: PlaceFacts, force: boolean): string | null {
  if (kind === 'folder') return 'is a folder';
  if (kind === 'special') return 'is a device, a FIFO or a socket, which is never replaced';
  if (input !== null) return 'is a file that the run reads';
  if (force || kind === 'absent' || ours) return null;
  return kind === 'broken-link'
    ? 'is a link to nothing; --force replaces it'
    : 'is a file that quantsmith did not write; --force replaces it';
}
