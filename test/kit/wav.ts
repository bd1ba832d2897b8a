/** How the samples of a .wav file are written: PCM of so many bits, or floats. */
export type WavEncoding = 'u8' | 's16' | 's24' | 's32' | 'f32' | 'f64';

const ENCODINGS: Readonly<Record<WavEncoding, { tag: number; bytes: number }>> = {
  u8: { tag: 1, bytes: 1 },
  s16: { tag: 1, bytes: 2 },
  s24: { tag: 1, bytes: 3 },
  s32: { tag: 1, bytes: 4 },
  f32: { tag: 3, bytes: 4 },
  f64: { tag: 3, bytes: 8 },
};

/** A .wav file of samples in [−1, 1), one list for each channel. `extensible`: its format stands in the longer header. */
export function wavFile(
  channels: readonly (readonly number[] | Float32Array)[],
  {
    rate = 16_000,
    encoding = 's16',
    extensible = false,
    chunks = [],
  }: {
    readonly rate?: number;
    readonly encoding?: WavEncoding;
    readonly extensible?: boolean;
    readonly chunks?: readonly string[];
  } = {},
): Buffer {
  const { tag, bytes } = ENCODINGS[encoding];
  const length = channels[0]?.length ?? 0;
  const stride = bytes * channels.length;
  const format = Buffer.alloc(extensible ? 40 : 16);
  format.writeUInt16LE(extensible ? 0xfffe : tag, 0);
  format.writeUInt16LE(channels.length, 2);
  format.writeUInt32LE(rate, 4);
  format.writeUInt32LE(rate * stride, 8);
  format.writeUInt16LE(stride, 12);
  format.writeUInt16LE(8 * bytes, 14);
  if (extensible) {
    format.writeUInt16LE(22, 16);
    format.writeUInt16LE(tag, 24);
  }

  const samples = Buffer.alloc(length * stride);
  channels.forEach((channel, c) =>
    channel.forEach((value, i) => writeSample(samples, i * stride + c * bytes, value, encoding)),
  );
  const parts = [
    chunk('fmt ', format),
    ...chunks.map((name) => chunk(name, Buffer.from('odd'))),
    chunk('data', samples),
  ];
  const body = Buffer.concat([Buffer.from('WAVE'), ...parts]);

  return chunk('RIFF', body);
}

function writeSample(bytes: Buffer, at: number, value: number, encoding: WavEncoding): void {
  const whole = (bits: number) =>
    Math.max(-(2 ** (bits - 1)), Math.min(2 ** (bits - 1) - 1, Math.round(value * 2 ** (bits - 1))));
  switch (encoding) {
    case 'u8':
      bytes.writeUInt8(whole(8) + 128, at);
      break;
    case 's16':
      bytes.writeInt16LE(whole(16), at);
      break;
    case 's24':
      bytes.writeIntLE(whole(24), at, 3);
      break;
    case 's32':
      bytes.writeInt32LE(whole(32), at);
      break;
    case 'f32':
      bytes.writeFloatLE(value, at);
      break;
    case 'f64':
      bytes.writeDoubleLE(value, at);
  }
}

/** Chunks of an odd length have a byte behind them. */
function chunk(name: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 0, 'ascii');
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}

/** A tone in [−1, 1]. */
export const tone = (hertz: number, length: number, { rate = 16_000, level = 0.5 } = {}): Float32Array =>
  Float32Array.from({ length }, (_, n) => level * Math.sin((2 * Math.PI * hertz * n) / rate));
