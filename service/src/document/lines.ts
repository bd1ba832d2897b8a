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
  const startOf = (number: number) => text.offsetAt({ line: number, character: 0 });

  return {
    count: text.lineCount,
    line(number) {
      if (number < 0 || number >= text.lineCount) return '';
      return text.getText({
        start: { line: number, character: 0 },
        end: { line: number, character: Number.MAX_SAFE_INTEGER },
      });
    },
    isIndentedPast(number, column) {
      const content = text.getText();
      const start = startOf(number);
      for (let offset = start; offset <= start + column; offset++)
        if (content.charCodeAt(offset) !== SPACE) return false;
      return true;
    },
  };
}

const SPACE = 32;
