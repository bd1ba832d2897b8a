import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { fail } from '@quantsmith/schemas';

/** One field of a protobuf message: its number and either its number value or the bytes where it lies in the file. */
export interface Field {
  readonly number: number;
  /** 0 varint, 1 fixed 64 bits, 2 bytes, 5 fixed 32 bits. */
  readonly wireType: number;
  /** The value of a varint, else 0. */
  readonly value: bigint;
  readonly start: number;
  readonly end: number;
}

/**
 * Goes through the fields of a message: `while (cursor.step() || (await cursor.load())) … cursor.field`. Most fields are in
 * the window, and waiting for each would take longer than reading it. Throws `model-truncated` where a field leaves its
 * message.
 */
export interface Cursor {
  field: Field;
  /** Goes to the next field; false at the end of the message or of the window. */
  readonly step: () => boolean;
  /** Reads on in the file and goes to the next field; false at the end of the message. */
  readonly load: () => Promise<boolean>;
}
const NO_FIELD: Field = { number: 0, wireType: 0, value: 0n, start: 0, end: 0 };

const WINDOW = 64 * 1024;
/** Where bytes were stepped over, mostly a weight, the next field's head is short, and then comes the next weight. */
const WINDOW_BEHIND_GAP = 4 * 1024;
/**
 * Milliseconds without a turn for others. What the system has in its cache is read at once, and giving others their turn for
 * each of a thousand weights takes longer than all else; a slow disk is waited for without blocking.
 */
const MAX_TURN_MS = 10;
/** A tag and a length take at most this many bytes. */
const HEADER = 20;
/** Names and shapes are short; whoever claims a longer one does not describe a model. */
const LONGEST_TEXT = 1 << 20;

/** Positioned reads through one small window: bytes that are stepped over are never read. */
export class WireReader {
  readonly #handle: FileHandle;
  readonly #file: string;
  readonly size: number;
  readonly #buffer = new Uint8Array(WINDOW);
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;
  /** When others had their turn; before the first read they get it. */
  #turnAt = -Infinity;

  constructor(handle: FileHandle, file: string, size: number) {
    this.#handle = handle;
    this.#file = file;
    this.size = size;
  }

  /** The fields of the message at [start, end), one after the other. */
  cursor(start: number, end: number): Cursor {
    let position = start;
    const cursor: Cursor = {
      field: NO_FIELD,
      step: () => {
        if (position >= end || !this.#holds(position, Math.min(position + HEADER, end))) return false;
        cursor.field = this.#field(position, end);
        position = cursor.field.end;
        return true;
      },
      load: async () => {
        if (position >= end) return false;
        await this.#load(position, HEADER, end);
        return cursor.step();
      },
    };

    return cursor;
  }

  /** The field at a position of the window. */
  #field(position: number, end: number): Field {
    const tag = this.#varint(position, end);
    const number = Number(tag.value >> 3n);
    const wireType = Number(tag.value & 7n);
    if (number === 0 || number > 536870911) this.damaged(position);
    let from = tag.next;
    let to = from;
    let value = 0n;
    if (wireType === 0) {
      const next = this.#varint(from, end);
      value = next.value;
      to = next.next;
    } else if (wireType === 1) to = from + 8;
    else if (wireType === 5) to = from + 4;
    else if (wireType === 2) {
      const length = this.#varint(from, end);
      from = length.next;
      to = from + Number(length.value);
    } else this.damaged(position);
    if (to > end) this.damaged(position);

    return { number, wireType, value, start: from, end: to };
  }

  /** The field's bytes where they are in the window, else null; valid until the next read. */
  held({ start, end }: Pick<Field, 'start' | 'end'>): Uint8Array | null {
    if (!this.#holds(start, end)) return null;
    return this.#window.subarray(start - this.#windowStart, end - this.#windowStart);
  }

  /** The field's bytes; valid until the next read. */
  async bytes({ start, end }: Pick<Field, 'start' | 'end'>): Promise<Uint8Array> {
    if (end - start > LONGEST_TEXT) this.damaged(start);
    if (!this.#holds(start, end)) await this.#load(start, end - start, this.size);
    return this.#window.subarray(start - this.#windowStart, end - this.#windowStart);
  }

  #holds(start: number, end: number): boolean {
    return start >= this.#windowStart && end <= this.#windowStart + this.#window.byteLength;
  }

  async #load(start: number, needed: number, end: number): Promise<void> {
    const isNext = start <= this.#windowStart + this.#window.byteLength;
    const length = Math.min(Math.max(isNext ? WINDOW : WINDOW_BEHIND_GAP, needed), this.size - start);
    const window = length > WINDOW ? new Uint8Array(length) : this.#buffer;
    const bytesRead = await this.#read(window, length, start);
    if (bytesRead < Math.min(needed, end - start)) this.damaged(start);
    this.#window = window.subarray(0, bytesRead);
    this.#windowStart = start;
  }

  async #read(window: Uint8Array, length: number, start: number): Promise<number> {
    if (performance.now() - this.#turnAt < MAX_TURN_MS)
      return readSync(this.#handle.fd, window, 0, length, start);
    const { bytesRead } = await this.#handle.read(window, 0, length, start);
    this.#turnAt = performance.now();
    return bytesRead;
  }

  #varint(position: number, end: number): { value: bigint; next: number } {
    let low = 0;
    let value = 0n;
    for (let index = 0; index < 10 && position + index < end; index++) {
      const byte = this.#window[position + index - this.#windowStart];
      if (byte === undefined) break;
      // Four groups fit a plain number: bigints are slow and nearly never needed.
      if (index < 4) low |= (byte & 0x7f) << (7 * index);
      else value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return { value: BigInt.asUintN(64, value | BigInt(low)), next: position + index + 1 };
    }

    return this.damaged(position);
  }

  /** Throws `model-truncated`. */
  damaged(position: number): never {
    return fail('model-truncated', `${this.#file} is truncated or damaged at byte ${position}.`, {
      file: this.#file,
      data: { position },
    });
  }
}
