import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';
import { append, fail, isAudioPath, QuantsmithError, tableOf, reasonOf } from '@quantsmith/schemas';
import type { HostTensor, TensorTypeName } from '@quantsmith/model/arrays';
import type { Feeds } from '../../runtime/batch.js';
import { convertTo } from '../convert.js';
import { countEntries } from '../entryLimit.js';
import { hashInput } from '../input.js';
import { folderLabels } from '../labels/section.js';
import { listFiles } from '../listFiles.js';
import { spreadIndices, spreadOf } from '../spread.js';
import type { DataContext, DataSection, FloatModel, Sample, SampleSource } from '../types.js';
import { featureReader } from './features.js';
import { framesOf, stretchesOf, windowsOf, type AudioFrames, type Stretch } from './frames.js';
import { settleInputs, shapedAs, type AudioInputs } from './inputs.js';
import { floatStates } from './states.js';
import { readWav, readWavHeader, type WavFile } from './wav.js';

/** Values of the windows of one sample. */
const MAX_VALUES = 2 ** 26;
/** Stretches that calibration looks into at least, where there are as many. */
const MIN_STRETCHES = 16;

/**
 * Windows of .wav files, spread evenly over all where not all are wanted. For calibration (`floatModel` given) each is a sample, its
 * states those that the float model has come to; else a streaming model has sequences of them, and a metric of texts whole files.
 * Throws `audio-invalid`, `audio-rate`, `data-inputs`, `sample-shape`.
 */
export async function openAudio(
  path: string,
  section: DataSection,
  context: DataContext,
): Promise<SampleSource> {
  const files = await audioFiles(path, context);
  const root = files.length === 1 && files[0] === path ? dirname(path) : path;
  const names = files.map((file) => relative(root, file).split(sep).join('/'));
  const labels = await folderLabels(files, names, section, context, 'audio');
  const frames = framesOf(section.frames);
  const inputs = settleInputs(section, context);
  const sounds = await wavFiles(files, section, frames, context);
  const isStreaming = Object.keys(inputs.states).length > 0;
  const windows = sounds.map((sound, file) => windowsOf(sound, file, frames, isStreaming));
  const reader = windowReader(sounds, frames, inputs, context);
  const limit = Math.min(context.limit ?? Infinity, section.limit ?? Infinity);
  const isText = context.labelKind === 'text' && labels !== null;
  const longest = isText || !isStreaming ? null : frames.sequence;
  const stretches = stretchesOf(windows, longest);
  const reading = { limit, inputs, reader };
  const areSequences = isText || (isStreaming && context.floatModel === undefined);
  const samples = areSequences
    ? sequences(stretches, reading, context)
    : singleWindows(stretches, reading, isStreaming ? context.floatModel! : null);

  return {
    count: samples.count,
    hasLabels: labels !== null,
    classes: labels?.classes ?? null,
    async get(index) {
      const { stretch, offset, ...sample } = await samples.at(index);
      const { file, count } = stretch.windows;
      const isWhole = count === (sample.sequence?.frames.length ?? 1);
      const name = isWhole ? names[file]! : `${names[file]!}, window ${stretch.first + offset + 1}`;
      return { name, ...sample, label: (await labels?.at(file, null)) ?? null };
    },
    async fingerprint() {
      const { states, constants } = inputs;
      const settings = [frames, states, [...constants.keys()], limit, isText, names];
      const hash = createHash('sha256').update(
        JSON.stringify([settings, section.constants ?? {}, (await labels?.content()) ?? null]),
      );
      const configPath = [...context.configPath, 'audio'] as const;
      for (const file of files)
        await hashInput(hash, { path: file, what: 'The audio file', code: 'data-not-found', configPath });

      return hash.digest('hex');
    },
  };
}

type AudioSample = Pick<Sample, 'feeds' | 'sequence'> & {
  readonly stretch: Stretch;
  /** The first window of the sample in its stretch. */
  readonly offset: number;
};

interface AudioSamples {
  readonly count: number;
  readonly at: (index: number) => Promise<AudioSample>;
}

type WindowReader = (stretch: Stretch, offset: number) => Promise<Feeds>;

interface Reading {
  readonly limit: number;
  readonly inputs: AudioInputs;
  readonly reader: WindowReader;
}

/** Each window a sample. `run`: the float model, which gives the states; null: there are none. */
function singleWindows(
  all: readonly Stretch[],
  { limit, inputs: { states, zeros }, reader }: Reading,
  run: FloatModel | null,
): AudioSamples {
  // The way to a window leads through those before it: few stretches, a part of the windows of each.
  const wanted = run === null ? all.length : Math.max(MIN_STRETCHES, Math.ceil((4 * limit) / all[0]!.count));
  const stretches = spreadOf(all, wanted);
  const starts = stretches.map(() => 0);
  for (let i = 1; i < starts.length; i++) starts[i] = starts[i - 1]! + stretches[i - 1]!.count;
  const total = starts.at(-1)! + stretches.at(-1)!.count;
  const chosen = spreadIndices(0, total, limit);
  const statesAt =
    run === null
      ? () => Promise.resolve(zeros)
      : floatStates({ states, zeros, stretches, windowAt: reader, run });

  return {
    count: chosen.length,
    async at(index) {
      const position = chosen[index]!;
      const which = lastNotAbove(starts, position);
      const [stretch, offset] = [stretches[which]!, position - starts[which]!];
      const given = await reader(stretch, offset);
      return { stretch, offset, feeds: { ...given, ...(await statesAt(which, offset)) } };
    },
  };
}

/** The last of ascending numbers that is not above the value; the first is not. */
function lastNotAbove(ascending: readonly number[], value: number): number {
  let [low, high] = [0, ascending.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (ascending[middle]! <= value) low = middle;
    else high = middle - 1;
  }

  return low;
}

/** Stretches of windows, each a sample. */
function sequences(
  all: readonly Stretch[],
  { limit, inputs: { states, zeros }, reader }: Reading,
  { configPath, labelKind = null }: DataContext,
): AudioSamples {
  const chosen = spreadIndices(0, all.length, limit);
  return {
    count: chosen.length,
    async at(index) {
      const stretch = all[chosen[index]!]!;
      const frames: Feeds[] = [];
      let values = 0;
      for (let offset = 0; offset < stretch.count; offset++) {
        const feeds = await reader(stretch, offset);
        values += Object.values(feeds).reduce((sum, { data }) => sum + data.length, 0);
        if (values > MAX_VALUES)
          fail('audio-too-long', `A file has more than ${MAX_VALUES} values in its windows: split it.`, {
            configPath: [...configPath, 'audio'],
          });
        frames.push(feeds);
      }

      frames[0] = { ...frames[0], ...zeros };
      // A class is what a streaming model has come to at the end.
      const result = labelKind === 'class' ? 'last' : 'joined';
      return { stretch, offset: 0, feeds: frames[0], sequence: { frames, states, result } };
    },
  };
}

function windowReader(
  sounds: readonly WavFile[],
  { features, window, channel }: AudioFrames,
  { audio, constants }: AudioInputs,
  { configPath }: DataContext,
): WindowReader {
  // Windows of whole files have lengths of their own.
  let latest = { length: -1, read: (samples: Float32Array) => samples };
  return async ({ windows: { file, from, length, hop }, first }, offset) => {
    const start = from + (first + offset) * hop;
    const samples = await readWav(sounds[file]!, start, length, channel, configPath);
    if (latest.length !== length) latest = { length, read: featureReader({ features, window }, length) };
    const values = latest.read(samples);
    const where = { name: sounds[file]!.path, configPath };
    const feeds = tableOf<HostTensor>();
    feeds[audio.name] = {
      type: audio.type as TensorTypeName,
      dims: shapedAs(audio, values.length),
      data: convertTo(audio.type, values, where),
    };
    for (const [name, tensor] of constants) feeds[name] = tensor;

    return feeds;
  };
}

/** Headers that are read at once. */
const AT_ONCE = 16;

async function wavFiles(
  files: readonly string[],
  { sample_rate: wanted = null }: DataSection,
  { channel }: AudioFrames,
  { configPath }: DataContext,
): Promise<WavFile[]> {
  const where = [...configPath, 'audio'] as const;
  const sounds: WavFile[] = [];
  for (let start = 0; start < files.length; start += AT_ONCE)
    append(
      sounds,
      await Promise.all(files.slice(start, start + AT_ONCE).map((file) => readWavHeader(file, where))),
    );
  const rate = wanted ?? sounds[0]!.rate;
  const other = sounds.find((sound) => sound.rate !== rate);
  if (other !== undefined) {
    const expected = wanted === null ? `${sounds[0]!.path} has ${rate} Hz` : `sample_rate is ${rate}`;
    fail(
      'audio-rate',
      `${other.path} has ${other.rate} Hz, and ${expected}: Quantsmith does not resample (ffmpeg -i in.wav -ar ${rate} out.wav).`,
      { file: other.path, configPath: wanted === null ? where : [...configPath, 'sample_rate'] },
    );
  }

  const narrow = sounds.find(({ channels }) => channel !== null && channel >= channels);
  if (narrow !== undefined)
    fail('audio-channel', `${narrow.path} has ${narrow.channels} channels, and no channel ${channel}.`, {
      file: narrow.path,
      configPath: [...configPath, 'frames', 'channel'],
    });

  return sounds;
}

async function audioFiles(path: string, context: DataContext): Promise<string[]> {
  const where = { file: path, configPath: [...context.configPath, 'audio'] as const };
  const info = await stat(path).catch(() => null);
  if (info === null) return fail('data-not-found', `The audio folder ${path} does not exist.`, where);
  if (info.isFile()) return [path];
  if (!info.isDirectory())
    return fail('data-not-found', `${path} is neither a folder nor a regular file.`, where);
  const counted = countEntries(path, where.configPath);
  const files = await listFiles(path, isAudioPath, counted).catch((error: unknown) => {
    if (error instanceof QuantsmithError) throw error;
    const reason = reasonOf(error);
    return fail('data-not-found', `The audio folder ${path} cannot be read: ${reason}.`, where);
  });
  if (files.length === 0) fail('data-empty', `${path} contains no .wav file.`, where);

  return files;
}
