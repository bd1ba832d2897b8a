/** The lines of a text as editors count them: a carriage return alone ends one too. */
export const linesOf = (text: string): string[] => text.split(/\r\n?|\n/);
