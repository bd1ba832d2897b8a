import { claimTextPlace, placeKind, writeText } from '@quantsmith/model/files';
import {
  fail,
  isModulePath,
  metricValue,
  pathOfSource,
  type DraftData,
  type ModelDraft,
} from '@quantsmith/schemas';
import { draftConfig } from '@quantsmith/server';
import { loaderStub, metricStub } from '@quantsmith/service';
import { dirname, relative, resolve, sep } from 'node:path';
import { cancellable } from '../run/signals.js';
import { EXIT } from '../output/exitCodes.js';
import type { Session } from '../output/session.js';
import { printLines } from '../output/terminal.js';

/** What was guessed and found, for a person to agree with. */
function summary({ calibration, validation }: DraftData, draft: ModelDraft): string[] {
  const { task, labels, hasLabels, tried, metric, remarks } = draft;
  const [source, samples] = [pathOfSource(validation), pathOfSource(calibration)];
  const [best] = tried;
  const kind = [task.type, task.decode].filter((part) => typeof part === 'string').join(', ');
  const beside = validation?.texts === undefined ? 'the folders of classes' : 'those in the file';
  const labelled = labels ?? (hasLabels ? beside : 'none');

  return [
    `task: ${kind === '' ? 'not known from the shapes' : kind}`,
    `calibration: ${samples ?? 'no data found'}`,
    `validation: ${source === undefined ? 'no data found' : `${source}, labels: ${labelled}`}`,
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
  /** Modules to write, beside the config; true: by their usual names. */
  readonly loader?: string | true;
  readonly metric?: string | true;
  readonly force?: boolean;
}

interface Stub {
  readonly file: string;
  /** As the config names it. */
  readonly name: string;
  readonly text: string;
}

/** null: none is asked for. */
function stubOf(kind: 'loader' | 'metric', asked: string | true | undefined, config: string): Stub | null {
  if (asked === undefined) return null;
  const file = resolve(dirname(config), asked === true ? `${kind}.mjs` : asked);
  if (!isModulePath(file))
    fail('usage-invalid', `--${kind} ${asked}: a module's name ends in .mjs, .js or .ts.`);
  const name = `./${relative(dirname(config), file).split(sep).join('/')}`;

  return { file, name, text: kind === 'loader' ? loaderStub(file) : metricStub(file) };
}

/** `quantsmith init`: a commented config that fits the model and the data near it, beside the model. */
export async function initCommand(path: string, options: InitOptions, session: Session): Promise<number> {
  const output = resolve(options.output ?? `${resolve(path).replace(/\.onnx$/i, '')}.quant.yaml`);
  const stubs = [stubOf('loader', options.loader, output), stubOf('metric', options.metric, output)] as const;
  const [loader, metric] = stubs;
  for (const file of [output, ...stubs.flatMap((stub) => stub?.file ?? [])]) {
    await claimTextPlace(file, [path]);
    if ((await placeKind(file)) !== 'absent' && options.force !== true)
      fail('usage-invalid', `${file} exists; --force overwrites it.`, { file });
  }

  const { progress } = session.messages;
  const { text, data, draft } = await cancellable((signal) =>
    draftConfig(path, {
      configPath: output,
      ...(options.data === undefined ? {} : { dataDir: options.data }),
      modules: { loader: loader?.name, metric: metric?.name },
      ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
      signal,
      onProgress: (event) => progress.update(event),
    }),
  );

  progress.end();
  for (const stub of stubs) if (stub !== null) await writeText(stub.file, stub.text);
  await writeText(output, text);

  printLines([
    ...summary(data, draft),
    ...stubs.flatMap((stub) => (stub === null ? [] : [`Wrote ${stub.file}`])),
    `Wrote ${output}`,
    `next: quantsmith run ${relative(process.cwd(), output)}${loader === null && metric === null ? '' : ' --allow-modules'}`,
  ]);
  return EXIT.ok;
}
