import type { TextDocument } from 'vscode-languageserver-textdocument';

/** The lines of a text as editors count them (a carriage return alone ends one too), each cut out when it is asked for. */
export interface Lines {
  readonly count: number;
  /** A line without its end; empty outside of the text. */
  readonly line: (number: number) => string;
  /** Whether a line has nothing but spaces in front of a column, and one in it. */
  readonly isIndentedPast: (number: number, column: number) => boolean;
}

export function linesIn(text: TextDocument): Lines {
  const content = text.getText();
  const startOf = (number: number) => text.offsetAt({ line: number, character: 0 });

  return {
    count: text.lineCount,
    line(number) {
      if (number < 0 || number >= text.lineCount) return '';
      let end = number + 1 < text.lineCount ? startOf(number + 1) : content.length;
      const start = startOf(number);
      while (end > start && isLineEnd(content.charCodeAt(end - 1))) end--;
      return content.slice(start, end);
    },
    isIndentedPast(number, column) {
      const start = startOf(number);
      for (let offset = start; offset <= start + column; offset++)
        if (content.charCodeAt(offset) !== SPACE) return false;
      return true;
    },
  };
}

const SPACE = 32;
const isLineEnd = (code: number) => code === 10 || code === 13;
