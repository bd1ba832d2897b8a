/** The index of the quote that opens the string in which the line ends; null outside of strings. */
export function openString(line: string): number | null {
  let opened: number | null = null;
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (opened !== null) {
      if (char === '\\' && line[opened] === '"') i++;
      else if (char === line[opened]) opened = null;
    } else if (char === '"' || (char === "'" && /[\s[{,:]/.test(line[i - 1] ?? ' '))) opened = i;
  }

  return opened;
}
