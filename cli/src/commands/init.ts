import { writeText } from '@quantsmith/model/onnx';
import { fail, metricValue, type DraftData, type ModelDraft } from '@quantsmith/schemas';
import { draftConfig } from '@quantsmith/server';
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { EXIT } from '../output/exitCodes.js';
import type { Session } from '../output/session.js';
import { printLines } from '../output/terminal.js';

/** What was guessed and found, for a person to agree with. */
function summary({ calibration, validation }: DraftData, draft: ModelDraft): string[] {
  const { task, labels, hasLabels, tried, metric, remarks } = draft;
  const source = validation?.images ?? validation?.arrays ?? validation?.tensors;
  const samples = calibration?.images ?? calibration?.arrays ?? calibration?.tensors;
  const [best] = tried;
  const kind = [task.type, task.decode].filter((each) => typeof each === 'string').join(', ');
  const found = labels ?? (hasLabels ? 'the folders of classes' : 'none');

  return [
    `task: ${kind === '' ? 'not known from the shapes' : kind}`,
    `calibration: ${samples ?? 'no data found'}`,
    `validation: ${source === undefined ? 'no data found' : `${source}, labels: ${found}`}`,
    ...(best === undefined
      ? []
      : [
          `float model: ${metric} ${metricValue(metric, best.value)} on ${best.samples} samples${best.text === '' ? '' : ` (${best.text})`}`,
        ]),
    ...remarks.map((remark) => `note: ${remark}`),
  ];
}

export interface InitOptions {
  readonly output?: string;
  readonly data?: string;
  readonly seconds?: number;
  readonly force?: boolean;
}

/** `quantsmith init`: a commented config that fits the model and the data near it, beside the model. */
export async function initCommand(path: string, options: InitOptions, session: Session): Promise<number> {
  const output = resolve(options.output ?? `${resolve(path).replace(/\.onnx$/i, '')}.quant.yaml`);
  if (existsSync(output) && options.force !== true)
    fail('usage-invalid', `${output} exists; --force overwrites it.`, { file: output });

  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => abort.abort());
  const { progress } = session.messages;
  const { text, data, draft } = await draftConfig(path, {
    configPath: output,
    ...(options.data === undefined ? {} : { dataDir: options.data }),
    ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
    signal: abort.signal,
    onProgress: (event) => progress.update(event),
  });

  progress.end();
  await writeText(output, text);

  printLines([
    ...summary(data, draft),
    `Wrote ${output}`,
    `next: quantsmith run ${relative(process.cwd(), output)}`,
  ]);
  return EXIT.ok;
}
