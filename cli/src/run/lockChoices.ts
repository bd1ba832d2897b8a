import { readText, writeText } from '@quantsmith/model/files';
import { fail, type QuantizationReport } from '@quantsmith/schemas';
import { pinChoices } from '@quantsmith/service';
import type { Session } from '../output/session.js';

/**
 * States in the config what a run chose by measurement: the next run measures nothing and gives the same bytes. Comments and
 * order stay. Throws `config-not-editable` where the text has no place for a setting.
 */
export async function lockChoices(
  path: string,
  pinned: NonNullable<QuantizationReport['pinned']>,
  { messages }: Session,
): Promise<void> {
  if (Object.keys(pinned).length === 0) return;
  const stated = pinChoices(path, await readText(path), pinned);
  if (stated === null) {
    fail('config-not-editable', `The choices cannot be written into ${path}: ${JSON.stringify(pinned)}.`, {
      file: path,
    });
  }

  await writeText(path, stated);
  messages.note(`${path} now states what was chosen by measurement.`);
}
