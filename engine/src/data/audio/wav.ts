import { bytesOf, openFile, whyUnreadable, withFile } from '@quantsmith/model/files';
import { fail, type ConfigPath } from '@quantsmith/schemas';

/** What the header of a .wav file says, and where its samples lie. */
export interface WavFile {
  readonly path: string;
  /** Samples per second. */
  readonly rate: number;
  readonly channels: number;
  /** Samples of each channel. */
  readonly length: number;
  readonly encoding: Encoding;
  /** Offset of the first sample, in bytes. */
  readonly start: number;
}

interface Encoding {
  /** Of one sample of one channel. */
  readonly bytes: number;
  /** In [−1, 1] for whole numbers; floats as they are. */
  readonly read: (view: DataView, offset: number) => number;
}

/** By "format tag/bits per sample": PCM is 1, IEEE floats are 3. */
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  '1/8': { bytes: 1, read: (view, place) => (view.getUint8(place) - 128) / 2 ** 7 },
  '1/16': { bytes: 2, read: (view, place) => view.getInt16(place, true) / 2 ** 15 },
  '1/24': {
    bytes: 3,
    read: (view, place) => (view.getInt8(place + 2) * 2 ** 16 + view.getUint16(place, true)) / 2 ** 23,
  },
  '1/32': { bytes: 4, read: (view, place) => view.getInt32(place, true) / 2 ** 31 },
  '3/32': { bytes: 4, read: (view, place) => view.getFloat32(place, true) },
  '3/64': { bytes: 8, read: (view, place) => view.getFloat64(place, true) },
};

/** The format's own tag stands in a longer header. */
const EXTENSIBLE = 0xfffe;
/** Chunks in front of the samples: more are no file of sound. */
const MAX_CHUNKS = 1000;
/** What programs write that did not know the length when they began. */
const UNKNOWN_SIZES = [0, 0xffffffff];

/**
 * Reads the header of a .wav file: PCM of 8, 16, 24 or 32 bits, or floats. Throws `audio-invalid`, and `data-not-found` where it
 * cannot be opened.
 */
export async function readWavHeader(path: string, configPath: ConfigPath): Promise<WavFile> {
  const refuse = (why: string): never =>
    fail('audio-invalid', `${path} is not a .wav file that can be read: ${why}.`, { file: path, configPath });
  const header = await withFile(path, (handle, size) =>
    headerOf((start, count) => bytesOf(handle, start, Math.min(size, start + count)), size),
  ).catch((error: unknown) =>
    fail('data-not-found', `The audio file ${path} ${whyUnreadable(error)}.`, { file: path, configPath }),
  );

  return 'why' in header ? refuse(header.why) : { path, ...header };
}

type Header = Omit<WavFile, 'path'> | { readonly why: string };

async function headerOf(
  bytesAt: (start: number, count: number) => Promise<Uint8Array>,
  size: number,
): Promise<Header> {
  const viewAt = async (start: number, count: number) => viewOf(await bytesAt(start, count));
  const name = (view: DataView, place: number) =>
    String.fromCharCode(
      view.getUint8(place),
      view.getUint8(place + 1),
      view.getUint8(place + 2),
      view.getUint8(place + 3),
    );
  const riff = await viewAt(0, 12);
  if (riff.byteLength < 12 || name(riff, 0) !== 'RIFF' || name(riff, 8) !== 'WAVE')
    return { why: 'it does not begin with RIFF and WAVE' };
  let format: Format | null = null;
  for (let place = 12, chunk = 0; place + 8 <= size && chunk < MAX_CHUNKS; chunk++) {
    const head = await viewAt(place, 8);
    const stated = head.getUint32(4, true);
    const begin = place + 8;
    if (name(head, 0) === 'fmt ') format = formatOf(await viewAt(begin, Math.min(stated, 40)));
    if (name(head, 0) === 'data') return describe(format, begin, stated, size);
    // Chunks begin at even offsets.
    place = begin + stated + (stated % 2);
  }

  return { why: 'it has no samples' };
}

interface Format {
  readonly tag: number;
  readonly channels: number;
  readonly rate: number;
  readonly bits: number;
}

function formatOf(view: DataView): Format | null {
  if (view.byteLength < 16) return null;
  const written = view.getUint16(0, true);
  const tag = written === EXTENSIBLE && view.byteLength >= 26 ? view.getUint16(24, true) : written;
  return {
    ...{ tag, channels: view.getUint16(2, true) },
    ...{ rate: view.getUint32(4, true), bits: view.getUint16(14, true) },
  };
}

function describe(format: Format | null, start: number, stated: number, size: number): Header {
  if (format === null) return { why: 'it has no format before its samples' };
  const { tag, channels, rate, bits } = format;
  const encoding = ENCODINGS[`${tag}/${bits}`];
  if (encoding === undefined)
    return {
      why: `its encoding (format ${tag}, ${bits} bits) is not supported; PCM of 8, 16, 24 or 32 bits and floats are`,
    };
  if (channels === 0 || rate === 0) return { why: `it states ${channels} channels and ${rate} Hz` };
  const rest = size - start;
  if (stated > rest && !UNKNOWN_SIZES.includes(stated))
    return { why: `it ends after ${rest} of ${stated} bytes of samples` };
  const bytes = UNKNOWN_SIZES.includes(stated) ? rest : stated;
  const length = Math.floor(bytes / (encoding.bytes * channels));

  return length === 0 ? { why: 'it has no samples' } : { rate, channels, length, encoding, start };
}

/**
 * Samples [from, from + count) of one channel, or the mean of all (`channel` null); zeros in front of the file and behind it.
 * Throws `audio-invalid` where they cannot be read, or the file has become shorter.
 */
export async function readWav(
  wav: WavFile,
  from: number,
  count: number,
  channel: number | null,
  configPath: ConfigPath,
): Promise<Float32Array> {
  const { path, channels, encoding, start } = wav;
  const first = Math.max(0, from);
  const end = Math.min(wav.length, from + count);
  const samples = new Float32Array(count);
  if (end <= first) return samples;
  const stride = encoding.bytes * channels;
  const bytes = await readBetween(path, start + first * stride, start + end * stride).catch(
    (error: unknown) =>
      fail('audio-invalid', `The audio file ${path} ${whyUnreadable(error)}.`, { file: path, configPath }),
  );
  if (bytes.length < (end - first) * stride)
    fail('audio-invalid', `${path} became shorter while it was being read.`, { file: path, configPath });

  const view = viewOf(bytes);
  for (let i = first; i < end; i++) {
    const place = (i - first) * stride;
    let sum = 0;
    if (channel === null)
      for (let c = 0; c < channels; c++) sum += encoding.read(view, place + c * encoding.bytes) / channels;
    else sum = encoding.read(view, place + channel * encoding.bytes);
    samples[i - from] = sum;
  }

  return samples;
}

async function readBetween(path: string, start: number, end: number): Promise<Uint8Array> {
  const handle = await openFile(path);
  try {
    return await bytesOf(handle, start, end);
  } finally {
    await handle.close();
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
