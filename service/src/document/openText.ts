import type { Position, Range, TextDocument } from 'vscode-languageserver-textdocument';
import { difference, type Changed } from './incremental.js';

/** A change as a client tells it; without a range it replaces everything. */
export interface TextChange {
  readonly range?: Range;
  readonly text: string;
}

/** What a change made of a text. */
interface LastChange extends Changed {
  /** All of the text as it was. */
  readonly before: string;
}

/**
 * A text that is typed into. A change leaves the pieces around it where they are: making one string of a long text again costs more
 * than what is asked about a key, so that is left to who asks for all of it.
 */
export interface OpenText extends TextDocument {
  readonly update: (changes: readonly TextChange[], version: number) => void;
  /** What its last change alone made of it; null: it was opened, or replaced as a whole. */
  readonly lastChange: () => LastChange | null;
  /** A part of it by offsets. */
  readonly slice: (start: number, end: number) => string;
}

/** A column behind every line. */
const END = Number.MAX_SAFE_INTEGER;

export const isOpenText = (text: TextDocument): text is OpenText => 'lastChange' in text;

export function createOpenText(uri: string, languageId: string, opened: number, text: string): OpenText {
  let version = opened;
  let content = text;
  let last: LastChange | null = null;
  let lines: number[] | null = null;

  const slice = (start: number, end: number) => last?.slice(start, end) ?? content.slice(start, end);
  const starts = () => (lines ??= startsOfLines(content, [0], 0));
  const places = placesIn({ slice, starts, length: () => content.length });
  const offsetsOf = ({ start, end }: Range): [number, number] => {
    const [from, to] = [places.offsetAt(start), places.offsetAt(end)];
    return from <= to ? [from, to] : [to, from];
  };

  const replace = (range: Range, inserted: string) => {
    const [start, end] = offsetsOf(range);
    const before = starts();
    last = changeOf(content, start, end, inserted);
    content = `${content.slice(0, start)}${inserted}${content.slice(end)}`;
    // A carriage return and a line feed that come together are one line end: counted anew.
    const isJoined = (offset: number) => offset > 0 && slice(offset - 1, offset + 1) === '\r\n';
    const behind = start + inserted.length;
    lines = isJoined(start) || isJoined(behind) ? null : movedLines(before, start, end, inserted);
  };

  return {
    ...places,
    uri,
    languageId,
    get version() {
      return version;
    },
    get lineCount() {
      return starts().length;
    },
    getText: (range) => (range === undefined ? content : slice(...offsetsOf(range))),
    slice,
    lastChange: () => last,
    update(changes, next) {
      for (const change of changes) {
        if (typeof change.text !== 'string') throw new TypeError('A change has no text.');
        if (change.range !== undefined) replace(change.range, change.text);
        else [content, last, lines] = [change.text, null, null];
      }

      version = next;
    },
  };
}

/** What places in a text are found by. */
interface Lined extends Pick<OpenText, 'slice'> {
  /** Where its lines start. */
  readonly starts: () => readonly number[];
  readonly length: () => number;
}

type Places = Pick<OpenText, 'getEOLCharacters' | 'getLineRange' | 'offsetAt' | 'positionAt'>;

/** Offsets and positions of a text; no position is behind the end of its line. */
function placesIn({ slice, starts, length }: Lined): Places {
  const beforeLineEnd = (offset: number, start: number) => {
    let before = offset;
    while (before > start && /[\r\n]/.test(slice(before - 1, before))) before--;
    return before;
  };

  const lineWithin = (line: number) => Math.max(0, Math.min(line, starts().length - 1));
  const endOf = (line: number) => starts()[line + 1] ?? length();

  const offsetAt = ({ line, character }: Position): number => {
    if (line >= starts().length) return length();
    if (line < 0) return 0;
    const start = starts()[line]!;
    return character <= 0 ? start : beforeLineEnd(Math.min(start + character, endOf(line)), start);
  };

  const positionAt = (offset: number): Position => {
    const within = Math.max(Math.min(offset, length()), 0);
    const line = lineOf(starts(), within);
    const start = starts()[line]!;
    return { line, character: beforeLineEnd(within, start) - start };
  };

  return {
    offsetAt,
    positionAt,
    getLineRange: (line) => ({
      start: { line: lineWithin(line), character: 0 },
      end: positionAt(line < 0 ? 0 : offsetAt({ line: lineWithin(line), character: END })),
    }),
    getEOLCharacters: (line) =>
      line < 0 || line >= starts().length ? '' : slice(offsetAt({ line, character: END }), endOf(line)),
  };
}

function changeOf(before: string, start: number, end: number, inserted: string): LastChange {
  const within = difference(before.slice(start, end), inserted);
  const edit = { start: start + within.start, end: start + within.end, shift: within.shift };
  const inserting = (offset: number) => Math.max(offset - start, 0);
  const behind = (offset: number) => Math.max(offset - within.shift, end);
  const slice = (from: number, to: number) =>
    before.slice(from, Math.min(to, start)) +
    inserted.slice(inserting(from), inserting(to)) +
    before.slice(behind(from), behind(to));

  return { before, edit, slice };
}

/** The last line that starts at or before an offset. */
function lineOf(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! > offset) high = middle;
    else low = middle + 1;
  }

  return low - 1;
}

/** Adds where the lines of a text start that stands at an offset, behind its first one. */
function startsOfLines(text: string, starts: number[], offset: number): number[] {
  for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) starts.push(offset + index + end.length);
  return starts;
}

/** More new lines than these are not put in between: all are counted anew. */
const MAX_PUT = 1000;

/** Moves where lines start behind a change; null: they are to be counted anew. */
function movedLines(starts: number[], start: number, end: number, inserted: string): number[] | null {
  const added = startsOfLines(inserted, [], start);
  if (added.length > MAX_PUT) return null;
  const first = lineOf(starts, start) + 1;
  starts.splice(first, lineOf(starts, end) + 1 - first, ...added);
  const shift = inserted.length - (end - start);
  if (shift !== 0) for (let line = first + added.length; line < starts.length; line++) starts[line]! += shift;

  return starts;
}
