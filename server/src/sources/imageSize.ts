import type { ImageFacts, ImageSize } from '@quantsmith/service';
import { bytesOf, withFile } from '@quantsmith/model/files';

/** What lies beyond is not looked into: an image with a long preview before its size has none here. */
const MAX_HEAD_BYTES = 256 * 1024;

/** The size that an image file states, and whether it is one. */
export function imageFacts(path: string): Promise<ImageFacts> {
  return withFile(path, async (handle, size) => {
    const head = Buffer.from(await bytesOf(handle, 0, Math.min(size, MAX_HEAD_BYTES)));
    const tail = Buffer.from(await bytesOf(handle, Math.max(0, size - MAX_TAIL_BYTES), size));
    return { size: sizeIn(head), problem: problemIn(head, tail) };
  });
}

/** What begins every file that the decoder takes: PNG, JPEG, GIF, WebP, TIFF, and HEIF with AVIF. */
const SIGNATURES = /^(\x89PNG\r\n|\xff\xd8\xff|GIF8|RIFF[^]{4}WEBP|II\*\0|MM\0\*|[^]{4}ftyp)/;
/** A drawing may begin with anything in front of its root. */
const DRAWING = /<svg/;
/** Enough for the last chunk of a PNG and what some writers add behind it. */
const MAX_TAIL_BYTES = 1024;

function problemIn(head: Buffer, tail: Buffer): string | null {
  const start = head.toString('latin1');
  if (start === '') return 'is empty';
  if (!SIGNATURES.test(start)) return DRAWING.test(start) ? null : 'is not an image that can be decoded';
  // PNG specification, 11.2.5: the last chunk is IEND.
  const isCut = start.startsWith('\x89PNG') && !tail.includes('IEND');
  return isCut ? 'is cut off: the end of the image is missing' : null;
}

/** Channels of a PNG by its colour type (PNG specification, 11.2.1); null: it is none. A palette is one channel. */
export function pngChannels(path: string): Promise<number | null> {
  return withFile(path, async (handle, size) => {
    const bytes = Buffer.from(await bytesOf(handle, 0, Math.min(size, 26)));
    const isPng = bytes.length === 26 && bytes.toString('latin1', 1, 4) === 'PNG';
    return isPng ? (CHANNELS[bytes[25]!] ?? null) : null;
  });
}

const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

function sizeIn(bytes: Buffer): ImageSize | null {
  if (bytes.length >= 24 && bytes.toString('latin1', 1, 4) === 'PNG')
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  if (bytes.length >= 30 && bytes.toString('latin1', 8, 12) === 'WEBP') return webp(bytes);

  return bytes.length >= 2 && bytes.readUInt16BE(0) === 0xffd8 ? jpeg(bytes) : null;
}

/** RFC 9649: lossy, lossless and extended files state it in different places. */
function webp(bytes: Buffer): ImageSize | null {
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }

    case 'VP8X':
      return { width: 1 + bytes.readUIntLE(24, 3), height: 1 + bytes.readUIntLE(27, 3) };
    default:
      return null;
  }
}

/** ITU T.81, B.2.2: the first frame header among the segments. */
function jpeg(bytes: Buffer): ImageSize | null {
  for (let offset = 2; offset + 9 <= bytes.length;) {
    if (bytes[offset] !== 0xff) return null;
    const marker = bytes[offset + 1]!;
    // A marker may be filled up, and some have no length.
    if (marker === 0xff) offset++;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) offset += 2;
    else if (isFrame(marker))
      return { height: bytes.readUInt16BE(offset + 5), width: bytes.readUInt16BE(offset + 7) };
    else offset += 2 + bytes.readUInt16BE(offset + 2);
  }

  return null;
}

/** SOF0 to SOF15, without DHT, JPG and DAC, which lie between them. */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
