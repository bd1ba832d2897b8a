import { resolve } from 'node:path';
import type { Decoder, TaskType } from '@quantsmith/model/tasks';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { readInputText } from '../data/input.js';

export type TaskConfig = NonNullable<QuantizationConfig['task']>;

/** What the outputs mean. */
export interface Task {
  /** null: nothing needs to know. */
  readonly type: TaskType | null;
  /** null: not a detector, or not settled yet. */
  readonly decode: Decoder | null;
  /** The output that metrics read; null: the first. */
  readonly output: string | null;
  /** null: as many as the outputs' shapes say. */
  readonly classes: number | null;
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  /** CTC: the class that means nothing; negative: from the end. */
  readonly blank: number;
  /** CTC: the text of each class without the blank. */
  readonly alphabet: readonly string[] | null;
  /** Language models: tokens of a sample that are scored, from its end; null: all. */
  readonly stride: number | null;
  /** Whether scores still need a sigmoid (or a softmax). */
  readonly logits: boolean;
  /** Whether boxes are given in shares of the input's size instead of pixels. */
  readonly normalized: boolean;
}

/** The task of a config that says nothing of it. */
export const NO_TASK: Task = {
  type: null,
  decode: null,
  output: null,
  classes: null,
  scoreThreshold: 0.01,
  iouThreshold: 0.65,
  blank: 0,
  alphabet: null,
  stride: null,
  logits: false,
  normalized: false,
};

/** The task as the config states it; what the model's outputs tell is settled later. Throws `alphabet-not-found`. */
export async function openTask(config: TaskConfig | undefined, baseDir: string): Promise<Task> {
  if (config === undefined) return NO_TASK;
  return {
    ...NO_TASK,
    type: config.type ?? (config.decode === undefined || config.decode === null ? null : 'detection'),
    decode: config.decode ?? null,
    output: config.output ?? null,
    classes: config.classes ?? null,
    scoreThreshold: config.score_threshold ?? NO_TASK.scoreThreshold,
    iouThreshold: config.iou_threshold ?? NO_TASK.iouThreshold,
    blank: config.blank ?? NO_TASK.blank,
    alphabet:
      typeof config.alphabet === 'string' ? await readAlphabet(resolve(baseDir, config.alphabet)) : null,
    stride: config.stride ?? null,
  };
}

async function readAlphabet(path: string): Promise<string[]> {
  const text = await readInputText({
    ...{ path, what: 'The alphabet', code: 'alphabet-not-found' },
    configPath: ['task', 'alphabet'],
  });

  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
